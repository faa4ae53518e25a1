//! A file that nobody sees before it is complete.

use super::entry;
use cofferdam_protocol::FileKind;
use rustix::{
    fs::{
        AtFlags, FlockOperation, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, fchmod, flock, fstat,
        ftruncate, futimens, openat, renameat, statat, symlinkat, unlinkat,
    },
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Write},
    os::fd::BorrowedFd,
};

/// What the names of temporary files begin with. A number follows.
const PREFIX: &str = ".cofferdam-write-";
/// Most writes at once in one directory.
const MAX_FILES: u32 = 1024;

/// A file with a name of ours, beside its later path. Dropped before [`commit`](Self::commit), it is removed.
///
/// Who writes it has it locked. What a killed writer has left is not locked, and the next write takes it over: the
/// files have the lowest free numbers, since the random name of a lost file would have to be searched for.
#[derive(Debug)]
pub(super) struct Temporary<'fd> {
    directory: BorrowedFd<'fd>,
    name: String,
    file: File,
    is_committed: bool,
}

impl<'fd> Temporary<'fd> {
    /// Creates an empty file in a directory.
    pub(super) fn create(directory: BorrowedFd<'fd>) -> Result<Self, Errno> {
        for name in names() {
            if let Some(file) = take(directory, &name)? {
                return Ok(Self { directory, name, file, is_committed: false });
            }
        }
        Err(Errno::EXIST)
    }

    /// Appends bytes.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives the file the time of the last change of another one.
    pub(super) fn set_modified(&self, of: &Stat) -> Result<(), Errno> {
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let last_modification = Timespec { tv_sec: of.st_mtime, tv_nsec: of.st_mtime_nsec.cast_signed() };
        futimens(&self.file, &Timestamps { last_access, last_modification })
    }

    /// Gives the file its permission bits and its name in the directory. It replaces what has that name, unless that
    /// is a directory.
    pub(super) fn commit(mut self, name: &[u8], mode: u32) -> Result<(), Errno> {
        fchmod(&self.file, Mode::from_raw_mode(mode))?;
        renameat(self.directory, &self.name, self.directory, name)?;
        self.is_committed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_committed {
            // If the program has removed it, there is nothing to do.
            let _ = unlinkat(self.directory, &self.name, AtFlags::empty());
        }
    }
}

/// Makes a link in a directory. It replaces what has its name, unless that is a directory.
pub(super) fn replace_by_link(directory: BorrowedFd<'_>, name: &[u8], target: &[u8]) -> Result<(), Errno> {
    for temporary in names() {
        match symlinkat(target, directory, &temporary) {
            Err(Errno::EXIST) => continue,
            result => result?,
        }
        return renameat(directory, &temporary, directory, name).inspect_err(|_| {
            // If the program has removed it, there is nothing to do.
            let _ = unlinkat(directory, &temporary, AtFlags::empty());
        });
    }
    Err(Errno::EXIST)
}

/// The names that temporary files can have.
fn names() -> impl Iterator<Item = String> {
    (0..MAX_FILES).map(|number| format!("{PREFIX}{number}"))
}

/// Whether it is the name of a file that is not complete.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    name.strip_prefix(PREFIX.as_bytes()).is_some_and(|number| number.iter().all(u8::is_ascii_digit))
}

/// Creates and locks a file with this name. None if another has it.
fn take(directory: BorrowedFd<'_>, name: &str) -> Result<Option<File>, Errno> {
    let flags = OFlags::WRONLY
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC;
    let stat_name = || statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    let file = match openat(directory, name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => file,
        // The program has made something of another kind.
        Err(_) if stat_name().is_ok() => return Ok(None),
        Err(error) => return Err(error),
    };
    let opened = fstat(&file)?;
    if entry::kind(&opened) != FileKind::File
        || flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
    {
        return Ok(None);
    }
    // Whoever had the lock may have renamed or removed the file after it was opened here.
    match stat_name() {
        Ok(named) if entry::identity(&named) == entry::identity(&opened) && named.st_nlink == 1 => {
            if named.st_size > 0 {
                ftruncate(&file, 0)?;
            }
            Ok(Some(file.into()))
        }
        _ => Ok(None),
    }
}
