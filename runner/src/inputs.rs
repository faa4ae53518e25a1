//! The input files of a program: written into the working directory, and recognised when files are collected.

use crate::{
    channel::Channel,
    error::{Context, Error},
};
use cofferdam_protocol::{EntryKind, InputEntry, Malformed, Message, PERMISSIONS, Program};
use std::{
    collections::HashMap,
    fs::{self, File, Metadata, Permissions},
    hash::{DefaultHasher, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

/// Bytes that are read at once to compare a file.
const CHUNK: usize = 64 << 10;

/// The input files that were written. Paths are relative to the working directory, which is the current one.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    files: HashMap<String, Written>,
    /// Symbolic links, and their targets.
    links: HashMap<String, String>,
    /// Directories, and the permissions that they get once all files are in them.
    directories: Vec<(String, u32)>,
    /// The file that is being written.
    open: Option<OpenFile>,
}

/// A file as it was written.
#[derive(Debug)]
struct Written {
    length: u64,
    mode: u32,
    digest: u64,
}

#[derive(Debug)]
struct OpenFile {
    path: String,
    file: File,
    written: Written,
    hasher: DefaultHasher,
}

impl Inputs {
    /// Writes the files of the program, and those that follow it.
    pub(crate) fn write(program: &Program, channel: &mut Channel) -> Result<Self, Error> {
        let mut inputs = Self::default();
        for file in &program.files {
            inputs.entry(InputEntry { path: file.path.clone(), kind: EntryKind::File(file.mode) })?;
            inputs.content(&file.content)?;
        }
        if program.has_more_files {
            inputs.write_more(channel)?;
        }
        inputs.finish()?;
        Ok(inputs)
    }

    /// Writes the files that follow the program.
    fn write_more(&mut self, channel: &mut Channel) -> Result<(), Error> {
        loop {
            match channel.receive_for_execution()? {
                Message::Entry(entry) => self.entry(entry)?,
                Message::Content(bytes) => self.content(&bytes)?,
                Message::Start => return Ok(()),
                _ => return Err(Malformed.into()),
            }
        }
    }

    /// The paths of the regular files and links.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().chain(self.links.keys()).map(String::as_str)
    }

    /// Whether a file or a link is an input that is as it was written: its content and permissions, or its target.
    pub(crate) fn is_unchanged(&self, path: &str, metadata: &Metadata) -> io::Result<bool> {
        if metadata.is_symlink() {
            let Some(target) = self.links.get(path) else { return Ok(false) };
            return Ok(fs::read_link(path)? == Path::new(target));
        }
        // Another kind of file, such as a FIFO, must not be opened.
        let Some(input) = self.files.get(path).filter(|_| metadata.is_file()) else { return Ok(false) };
        // The time of the last change is no proof: gVisor does not set it for writes to mapped memory.
        let may_be_unchanged = (input.length, input.mode) == (metadata.len(), permissions(metadata));
        Ok(may_be_unchanged && digest_of(File::open(path)?)? == input.digest)
    }

    /// Empty files, and links to a file `x`, that are written nowhere.
    #[cfg(test)]
    pub(crate) fn unwritten<'a>(files: impl Iterator<Item = &'a str>, links: &[&str]) -> Self {
        let file = |path: &str| (path.to_owned(), Written { length: 0, mode: PERMISSIONS, digest: 0 });
        let link = |path: &&str| ((*path).to_owned(), "x".to_owned());
        Self { files: files.map(file).collect(), links: links.iter().map(link).collect(), ..Self::default() }
    }

    /// Starts the next entry.
    fn entry(&mut self, entry: InputEntry) -> Result<(), Error> {
        self.close()?;
        let InputEntry { path, kind } = entry;
        let created = match kind {
            EntryKind::File(mode) => create(&path).map(|file| {
                let written = Written { length: 0, mode: mode & PERMISSIONS, digest: 0 };
                self.open =
                    Some(OpenFile { path: path.clone(), file, written, hasher: DefaultHasher::new() });
            }),
            EntryKind::Directory(mode) => {
                fs::create_dir_all(&path).map(|()| self.directories.push((path.clone(), mode & PERMISSIONS)))
            }
            EntryKind::Link(target) => create_parent(&path)
                .and_then(|()| symlink(&target, &path))
                .map(|()| drop(self.links.insert(path.clone(), target))),
        };
        created.map_err(|source| Error::InputFile { path, source })
    }

    /// Writes to the file that was started last.
    fn content(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let open = self.open.as_mut().ok_or(Malformed)?;
        open.file.write_all(bytes).map_err(|source| Error::InputFile { path: open.path.clone(), source })?;
        open.written.length += bytes.len() as u64;
        open.hasher.write(bytes);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(OpenFile { path, file, written, hasher }) = self.open.take() else { return Ok(()) };
        if let Err(source) = file.set_permissions(Permissions::from_mode(written.mode)) {
            return Err(Error::InputFile { path, source });
        }
        self.files.insert(path, Written { digest: hasher.finish(), ..written });
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.close()?;
        // A directory before the one above it, which may then be closed to us.
        self.directories.sort_by(|one, other| other.cmp(one));
        self.directories
            .drain(..)
            .try_for_each(|(path, mode)| fs::set_permissions(path, Permissions::from_mode(mode)))
            .context("set the permissions of the directories")
    }
}

/// The permission bits of a file.
pub(crate) fn permissions(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & PERMISSIONS
}

/// Creates a new file, and the directories above it.
pub(crate) fn create(path: &str) -> io::Result<File> {
    create_parent(path)?;
    File::create_new(path)
}

fn create_parent(path: &str) -> io::Result<()> {
    Path::new(path).parent().map_or(Ok(()), fs::create_dir_all)
}

/// The digest of a file's content. It detects changes, not attacks: a program that hides a change from it keeps
/// its own file.
fn digest_of(mut file: impl Read) -> io::Result<u64> {
    let (mut hasher, mut chunk) = (DefaultHasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(length) => hasher.write(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_does_not_depend_on_how_the_content_was_split() {
        let content: Vec<u8> = (0..=255).cycle().take(3 * CHUNK + 17).collect();
        for size in [1, 7, 4096, CHUNK + 1] {
            let mut hasher = DefaultHasher::new();
            content.chunks(size).for_each(|chunk| hasher.write(chunk));
            assert_eq!(digest_of(content.as_slice()).expect("a digest"), hasher.finish(), "{size}");
        }
        assert_ne!(digest_of(&content[1..]).ok(), digest_of(&content[..content.len() - 1]).ok());
    }
}
