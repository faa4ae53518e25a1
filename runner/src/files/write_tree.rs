//! Writes files, directories and links into a directory.

use super::{
    BATCH,
    failure::{AtPath, failure},
    input::Input,
    make_directory::{PARENT_MODE, make_directory},
    path,
    temporary::{Temporary, replace_by_link},
    walk::{MAX_ENTRIES, open_below, open_directory},
};
use cofferdam_protocol::{Decoder, EntryKind, FileErrorKind, FileFailure, InputEntry, Message, PERMISSIONS};
use rustix::{
    fs::{Mode, fchmod, mkdirat},
    io::{Errno, dup},
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Longest message in bytes.
const MAX_MESSAGE: u64 = 1 << 20;
/// What the owner of a directory needs to write into it, until it gets its own permission bits.
const OWNER: u32 = 0o700;

struct Tree<'a> {
    root: BorrowedFd<'a>,
    /// The path of the root.
    path: &'a [u8],
    entries: u32,
    /// Directories: depth, path, and the permission bits that they get once all files are in them.
    directories: Vec<(usize, Vec<u8>, u32)>,
}

/// Writes the entries that the input has.
pub(super) fn write_tree(path: &[u8], input: &Input<'_>) -> Result<(), FileFailure> {
    make_directory(path, PARENT_MODE)?;
    let root = open_directory(path)?;
    let mut tree = Tree { root: root.as_fd(), path, entries: 0, directories: Vec::new() };
    let mut messages =
        Messages { input, chunk: vec![0; BATCH], decoder: Decoder::with_max_body(MAX_MESSAGE), path };
    let mut next = messages.next()?;
    while let Some(message) = next {
        let Message::Entry(entry) = message else { return Err(messages.malformed()) };
        next = tree.write(entry, &mut messages)?;
    }
    tree.finish()
}

/// The messages of the input.
struct Messages<'a> {
    input: &'a Input<'a>,
    chunk: Vec<u8>,
    decoder: Decoder<Message>,
    path: &'a [u8],
}

impl Messages<'_> {
    /// The next message. None at the end of the input.
    fn next(&mut self) -> Result<Option<Message>, FileFailure> {
        loop {
            if let Some((_, message)) = self.decoder.next().map_err(|_| self.malformed())? {
                return Ok(Some(message));
            }
            match self.input.read(&mut self.chunk)? {
                0 if self.decoder.is_empty() => return Ok(None),
                0 => return Err(self.malformed()),
                length => self.decoder.push(self.chunk.get(..length).unwrap_or_default()),
            }
        }
    }

    fn malformed(&self) -> FileFailure {
        failure(
            FileErrorKind::Other,
            self.path,
            "what was sent is not a complete sequence of entries and contents",
        )
    }
}

impl Tree<'_> {
    /// Writes an entry, with its content if it is a file. Returns the message after it.
    fn write(
        &mut self,
        InputEntry { path, kind }: InputEntry,
        messages: &mut Messages<'_>,
    ) -> Result<Option<Message>, FileFailure> {
        let path = path.into_bytes();
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(failure(FileErrorKind::TooManyEntries, self.path, "more than 100000 entries"));
        }
        match kind {
            EntryKind::File(mode) => {
                return self.write_file(&path, mode & PERMISSIONS, messages);
            }
            EntryKind::Directory(mode) => {
                let components = path::components(&path)?;
                self.open(&components, mode | OWNER)?;
                self.directories.push((components.len(), path, mode & PERMISSIONS));
            }
            EntryKind::Link(target) => self.link(&path, &target)?,
        }
        messages.next()
    }

    fn write_file(
        &self,
        path: &[u8],
        mode: u32,
        messages: &mut Messages<'_>,
    ) -> Result<Option<Message>, FileFailure> {
        let (directory, name) = self.open_parent(path)?;
        let mut file = Temporary::create(directory.as_fd()).at(path)?;
        loop {
            match messages.next()? {
                Some(Message::Content(bytes)) => file.write_all(&bytes).at(path)?,
                next => {
                    file.commit(name, mode).at(path)?;
                    return Ok(next);
                }
            }
        }
    }

    fn link(&self, path: &[u8], target: &str) -> Result<(), FileFailure> {
        let (directory, name) = self.open_parent(path)?;
        replace_by_link(directory.as_fd(), name, target.as_bytes()).at(path)
    }

    /// Opens the directory that a file is written into, and gives the file's name.
    fn open_parent<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8]), FileFailure> {
        match path::components(path)?.as_slice() {
            [parents @ .., name] => Ok((self.open(parents, PARENT_MODE)?, name)),
            [] => Err(failure(FileErrorKind::IsDirectory, path, "it is the path of the directory itself")),
        }
    }

    /// Opens a directory below the root, without following links. Missing ones are made, the last one with this mode.
    fn open(&self, components: &[&[u8]], mode: u32) -> Result<OwnedFd, FileFailure> {
        let path = || path::join(self.path, &components.join(b"/".as_slice()));
        let mut directory = dup(self.root).at(self.path)?;
        for (index, name) in components.iter().enumerate() {
            let mode = if index + 1 == components.len() { mode } else { PARENT_MODE };
            directory = open_or_make(directory.as_fd(), name, mode)
                .map_err(|error| match error {
                    Errno::LOOP => Errno::NOTDIR,
                    error => error,
                })
                .at(&path())?;
        }
        Ok(directory)
    }

    /// Gives the directories their permission bits: the one below before the one above, which may then be closed to us.
    fn finish(self) -> Result<(), FileFailure> {
        let deepest = self.directories.iter().map(|(depth, ..)| *depth).max().unwrap_or_default();
        for level in (0..=deepest).rev() {
            for (_, path, mode) in self.directories.iter().filter(|(depth, ..)| *depth == level) {
                let directory = self.open(&path::components(path)?, OWNER)?;
                fchmod(&directory, Mode::from_raw_mode(*mode)).at(path)?;
            }
        }
        Ok(())
    }
}

fn open_or_make(directory: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<OwnedFd, Errno> {
    match open_below(directory, name) {
        Err(Errno::NOENT) => match mkdirat(directory, name, Mode::from_raw_mode(mode & PERMISSIONS)) {
            Ok(()) | Err(Errno::EXIST) => open_below(directory, name),
            Err(error) => Err(error),
        },
        result => result,
    }
}
