//! Removes files, and directories with everything in them.

use super::{
    entry,
    failure::{AtPath, failure},
    path,
    walk::{has_changed, open_below},
};
use cofferdam_protocol::{FileErrorKind, FileFailure};
use rustix::{
    fs::{AtFlags, CWD, Dir, fstat, unlinkat},
    io::Errno,
};
use std::{
    ffi::CString,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// Most names of a directory that are read before they are removed.
const MAX_NAMES: usize = 1024;

/// A directory that is being emptied.
struct Level {
    /// Its name in the level above.
    name: CString,
    identity: (u64, u64),
    /// Some of its entries.
    names: Vec<CString>,
}

/// Removes what has a path. A link is removed, not what it leads to.
pub(super) fn remove(path: &[u8]) -> Result<(), FileFailure> {
    let path = path::without_slash(path);
    loop {
        match unlink(CWD, path) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            result => return result.at(path),
        }
        match open_below(CWD, path) {
            Ok(directory) => empty(directory, path)?,
            Err(error) if has_changed(error) => {}
            Err(error) => return Err(error).at(path),
        }
    }
}

/// Empties a directory. One directory is open at a time, so that the depth has no limit.
fn empty(root: OwnedFd, path: &[u8]) -> Result<(), FileFailure> {
    let mut levels = vec![Level::new(&root, CString::default()).at(path)?];
    let mut directory = root;
    while let Some(level) = levels.last_mut() {
        let step = match level.next_name(&directory) {
            Ok(Some(name)) => remove_or_open(&directory, name, level),
            Ok(None) => {
                let emptied = levels.pop();
                match (emptied, levels.last_mut()) {
                    (Some(emptied), Some(above)) => leave(&directory, emptied, above).map(Some),
                    _ => return Ok(()),
                }
            }
            Err(error) => Err(error),
        };
        match step {
            Ok(Some((next, below))) => {
                directory = next;
                levels.extend(below);
            }
            Ok(None) => {}
            // Only `leave` says that.
            Err(Errno::STALE) => {
                let reason = "a directory was moved while it was removed; remove it again";
                return Err(failure(FileErrorKind::Other, path, reason));
            }
            Err(error) => return Err(error).at(&path_of(path, &levels)),
        }
    }
    Ok(())
}

/// The directory to continue in, and its level if that is a new one.
type Step = (OwnedFd, Option<Level>);

/// Removes an entry. A directory that is not empty is opened instead.
fn remove_or_open(directory: &OwnedFd, name: CString, level: &mut Level) -> Result<Option<Step>, Errno> {
    match unlink(directory.as_fd(), name.as_bytes()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(None),
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    match open_below(directory.as_fd(), name.as_bytes()) {
        Ok(below) => {
            let new = Level::new(&below, name)?;
            Ok(Some((below, Some(new))))
        }
        Err(error) if has_changed(error) => {
            level.names.push(name);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Goes back to the level above. The emptied directory is removed there like any other entry.
fn leave(directory: &OwnedFd, emptied: Level, above: &mut Level) -> Result<Step, Errno> {
    let parent = open_below(directory.as_fd(), b"..")?;
    // The directory may have been moved to a place where nothing is to be removed.
    if entry::identity(&fstat(&parent)?) != above.identity {
        return Err(Errno::STALE);
    }
    above.names.push(emptied.name);
    Ok((parent, None))
}

impl Level {
    fn new(directory: &OwnedFd, name: CString) -> Result<Self, Errno> {
        Ok(Self { name, identity: entry::identity(&fstat(directory)?), names: Vec::new() })
    }

    /// The name of an entry that is still to be removed.
    fn next_name(&mut self, directory: &OwnedFd) -> Result<Option<CString>, Errno> {
        if self.names.is_empty() {
            for entry in Dir::read_from(directory)? {
                let entry = entry?;
                if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                    self.names.push(entry.file_name().to_owned());
                }
                if self.names.len() == MAX_NAMES {
                    break;
                }
            }
        }
        Ok(self.names.pop())
    }
}

/// Removes a file, or a directory that is empty.
fn unlink(directory: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    match unlinkat(directory, name, AtFlags::empty()) {
        // Some file systems say that this is not permitted for a directory.
        Err(error @ (Errno::ISDIR | Errno::PERM)) => match unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTDIR) => Err(error),
            result => result,
        },
        result => result,
    }
}

fn path_of(root: &[u8], levels: &[Level]) -> Vec<u8> {
    levels.iter().skip(1).fold(root.to_vec(), |path, level| path::join(&path, level.name.as_bytes()))
}
