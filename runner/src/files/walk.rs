//! Goes through a directory and those below it. Links are not followed, and a directory that changes meanwhile is not
//! left for another one.

use super::{
    entry,
    failure::{AtPath, failure},
    path,
    read::OPEN,
    temporary::is_temporary,
};
use cofferdam_protocol::{FileEntry, FileErrorKind, FileFailure, FileKind};
use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags, Stat, fstat, openat, statat},
    io::Errno,
};
use std::{
    ffi::CString,
    os::fd::{BorrowedFd, OwnedFd},
};

/// Most entries of one call.
pub(super) const MAX_ENTRIES: u32 = 100_000;
/// Most levels of directories, each of which is open.
const MAX_LEVELS: usize = 256;

/// What happens to a directory that may not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It is an entry, and what is in it is left out.
    Skip,
    /// The call fails.
    Fail,
}

/// An entry of a directory.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: &'a [u8],
    /// Relative to the first directory.
    pub(super) path: &'a [u8],
    pub(super) stat: Stat,
    /// 1 for an entry of the first directory.
    pub(super) depth: usize,
}

impl Found<'_> {
    /// Describes the entry. None if it has been removed.
    pub(super) fn describe(&self) -> Option<FileEntry> {
        entry::describe(self.directory, self.name, self.path.to_vec(), &self.stat).ok()
    }
}

/// What a walk does with each entry. It says whether to go into a directory.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&Found<'_>) -> Result<bool, FileFailure>;

struct Level {
    directory: Dir,
    path: Vec<u8>,
    /// Directories in it that are still to be visited.
    directories: Vec<CString>,
}

struct Walk<'a> {
    root: &'a [u8],
    denied: Denied,
    entries: u32,
    visit: Visit<'a>,
}

/// Opens a directory at a path of the caller.
pub(super) fn open_directory(path: &[u8]) -> Result<OwnedFd, FileFailure> {
    openat(CWD, path, OPEN | OFlags::DIRECTORY, Mode::empty()).at(path)
}

/// Opens a directory in another one, but not behind a link.
pub(super) fn open_below(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    // gVisor follows a link if it is asked for a directory.
    let opened = openat(directory, name, OPEN | OFlags::NOFOLLOW, Mode::empty())?;
    if entry::kind(&fstat(&opened)?) == FileKind::Directory { Ok(opened) } else { Err(Errno::NOTDIR) }
}

/// Whether an error means that the entry has been removed or replaced since its directory was read.
pub(super) fn has_changed(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO)
}

/// Visits each entry of a directory, and of the directories below it that `visit` says. `root` is its path.
pub(super) fn walk(
    directory: OwnedFd,
    root: &[u8],
    denied: Denied,
    visit: Visit<'_>,
) -> Result<(), FileFailure> {
    let mut walk = Walk { root, denied, entries: 0, visit };
    let mut levels = vec![walk.enter(directory, Vec::new(), 1)?];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.directories.pop() else {
            levels.pop();
            continue;
        };
        let path = path::join(&level.path, name.as_bytes());
        let opened = level.directory.fd().and_then(|directory| open_below(directory, name.as_bytes()));
        if let Some(directory) = walk.tolerate(opened, &path)? {
            if levels.len() == MAX_LEVELS {
                return Err(walk.refuse("more than 256 levels of directories"));
            }
            levels.push(walk.enter(directory, path, levels.len() + 1)?);
        }
    }
    Ok(())
}

impl Walk<'_> {
    /// Visits the entries of a directory.
    fn enter(&mut self, directory: OwnedFd, path: Vec<u8>, depth: usize) -> Result<Level, FileFailure> {
        let directory = Dir::new(directory).at(self.root)?;
        let mut level = Level { directory, path, directories: Vec::new() };
        while let Some(entry) = level.directory.next() {
            let entry = entry.at(&path::join(self.root, &level.path))?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") || is_temporary(name) {
                continue;
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(self.refuse("more than 100000 entries"));
            }
            let path = path::join(&level.path, name);
            let directory = level.directory.fd().at(self.root)?;
            let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
            let Some(stat) = self.tolerate(stat, &path)? else { continue };
            let goes_into = (self.visit)(&Found { directory, name, path: &path, stat, depth })?;
            if goes_into && entry::kind(&stat) == FileKind::Directory {
                level.directories.push(entry.file_name().to_owned());
            }
        }
        Ok(level)
    }

    /// Turns an error that is none of the call's into nothing.
    fn tolerate<T>(&self, result: Result<T, Errno>, path: &[u8]) -> Result<Option<T>, FileFailure> {
        match result {
            Err(error) if has_changed(error) => Ok(None),
            Err(Errno::ACCESS) if self.denied == Denied::Skip => Ok(None),
            result => result.map(Some).at(&path::join(self.root, path)),
        }
    }

    fn refuse(&self, reason: &str) -> FileFailure {
        failure(FileErrorKind::TooManyEntries, self.root, reason)
    }
}
