//! The folder for collected files. An untrusted program has chosen their names.

use super::{Failure, hidden, input_files::shown};
use cofferdam_core::new_id;
use cofferdam_types::PERMISSIONS;
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, mkdirat, open, openat, renameat, statat, unlinkat},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open folder. Renaming or replacing it does not redirect writes.
#[derive(Debug)]
pub(super) struct OutputFolder {
    path: PathBuf,
    folder: OwnedFd,
    /// Whether existing files are replaced.
    overwrites: bool,
}

/// A file that was not written, and why.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) path: String,
    pub(super) reason: String,
}

impl OutputFolder {
    /// Creates the folder if necessary and opens it, before the program runs.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it cannot be created or opened, or is a symbolic link.
    pub(super) fn open(path: &Path, overwrites: bool) -> Result<Self, Failure> {
        fs::create_dir_all(path)
            .map_err(|error| format!("the folder {} cannot be created: {error}", shown(path)))?;
        // With a `/` at its end, opening it would follow a link.
        let path = path.components().as_path().to_owned();
        let folder = open(&path, FOLDER, Mode::empty()).map_err(|error| {
            if path.is_symlink() {
                return format!("the folder {} is a symbolic link; name the folder itself", shown(&path));
            }
            format!("the folder {} cannot be opened: {}", shown(&path), io::Error::from(error))
        })?;
        Ok(Self { path, folder, overwrites })
    }

    /// Writes files that these patterns name. Returns the files that were not written.
    pub(super) fn write(&self, files: &[cofferdam_types::File], patterns: &[String]) -> Vec<Unwritten> {
        let write = |file: &cofferdam_types::File| {
            let written = if hidden::is_unrequested(&file.path, patterns) {
                Err(io::Error::other("its name begins with a dot, and no pattern of --collect has that dot"))
            } else {
                self.write_file(&file.path, file.mode, &file.content)
            };
            let path = || self.path.join(&file.path).to_string_lossy().into_owned();
            written.err().map(|error| Unwritten { path: path(), reason: error.to_string() })
        };
        files.iter().filter_map(write).collect()
    }

    /// Follows no link, so that all writes stay below the folder.
    fn write_file(&self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        cofferdam_types::validation::relative_path(path).map_err(io::Error::other)?;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut below: Option<OwnedFd> = None;
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            let parent = below.as_ref().unwrap_or(&self.folder);
            match mkdirat(parent, part, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            below = Some(openat(parent, part, FOLDER, Mode::empty())?);
        }
        let parent = below.as_ref().unwrap_or(&self.folder).as_fd();
        self.put(parent, name, Mode::from_raw_mode(mode & PERMISSIONS), |file| file.write_all(content))
    }

    /// Writes a complete file or none. An existing file is replaced, if that was requested, when the new one
    /// is complete. It is never written to, since it may have hard links.
    fn put(
        &self,
        parent: BorrowedFd<'_>,
        name: &str,
        mode: Mode,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        match create(parent, name, mode) {
            Err(Errno::EXIST) if self.overwrites => {
                let existing = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
                if !FileType::from_raw_mode(existing.st_mode).is_file() {
                    return Err(io::Error::other("the existing one is not a regular file"));
                }
                let new = format!(".cofferdam-{}", new_id());
                let written = write(&mut create(parent, &new, mode)?);
                remove_unless(written.and_then(|()| Ok(renameat(parent, &new, parent, name)?)), parent, &new)
            }
            Err(Errno::EXIST) => Err(io::Error::other("it exists already, and --overwrite was not given")),
            file => remove_unless(write(&mut file?), parent, name),
        }
    }
}

/// Creates a file with these permissions, as far as the umask of this process allows them.
fn create(parent: BorrowedFd<'_>, name: &str, mode: Mode) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, mode).map(File::from)
}

/// Deletes a file that was not written completely.
fn remove_unless(written: io::Result<()>, parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    written.inspect_err(|_| {
        let _ = unlinkat(parent, name, AtFlags::empty());
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, os::unix::fs::PermissionsExt, process};

    #[test]
    fn a_failed_write_keeps_the_existing_file() {
        let path = env::temp_dir().join(format!("cofferdam-output-folder-{}", process::id()));
        let folder = OutputFolder::open(&path, true).expect("a folder");
        fs::write(path.join("old"), "old").expect("a file");
        for name in ["old", "new"] {
            let written = folder.put(folder.folder.as_fd(), name, Mode::RUSR, |file| {
                file.write_all(b"half of it")?;
                Err(Errno::NOSPC.into())
            });
            assert_eq!(written.expect_err("it does not fit").kind(), io::ErrorKind::StorageFull, "{name}");
        }
        let names: Vec<_> =
            fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["old"]);
        assert_eq!(fs::read(path.join("old")).expect("a file"), b"old");
        folder.write_file("old", 0o4755, b"new").expect("written");
        assert_eq!(fs::read(path.join("old")).expect("a file"), b"new");
        let mode = fs::metadata(path.join("old")).expect("a file").permissions().mode();
        assert_eq!((mode & 0o7000, mode & 0o700), (0, 0o700));
        fs::remove_dir_all(&path).expect("removed");
    }
}
