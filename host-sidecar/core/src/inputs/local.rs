//! Files and directories of this machine as input. They are opened before they are used and no link is followed,
//! except to the one that the caller names, so that no process can replace what was checked.

mod send;

pub use send::stream;

use crate::os::regular_file::{self, Links};
use cofferdam_types::PERMISSIONS;
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, statat},
    io::Errno,
};
use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open file or directory of this machine.
#[derive(Debug)]
pub struct LocalInput {
    local: PathBuf,
    /// Its path in the working directory; empty for a directory that is to be the working directory itself.
    path: String,
    opened: Opened,
}

#[derive(Debug)]
enum Opened {
    File(File),
    Directory(OwnedFd),
}

impl LocalInput {
    /// Opens what is at `local`, for the path `path` in the working directory.
    ///
    /// # Errors
    ///
    /// Those of open(2). It is neither a regular file nor a directory.
    pub fn open(local: &Path, path: impl Into<String>) -> io::Result<Self> {
        let opened = match FileType::from_raw_mode(statat(CWD, local, AtFlags::empty())?.st_mode) {
            FileType::Directory => Opened::Directory(openat(CWD, local, DIRECTORY, Mode::empty())?),
            FileType::RegularFile => Opened::File(regular_file::open(local, Links::Follow)?),
            other => return Err(io::Error::new(io::ErrorKind::InvalidInput, kind(other))),
        };
        Ok(Self { local: local.to_owned(), path: path.into(), opened })
    }

    /// Opens what is at `local` below `directory`. No link and no `..` leads out of it.
    ///
    /// # Errors
    ///
    /// Those of openat2(2). It is neither a regular file nor a directory, or not below `directory`.
    pub fn open_beneath(directory: &Path, local: &str, path: impl Into<String>) -> io::Result<Self> {
        let directory = openat(CWD, directory, DIRECTORY, Mode::empty())?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = openat2(directory, local, regular_file::READ, Mode::empty(), resolve).map_err(
            |error| match error {
                Errno::XDEV => io::Error::new(io::ErrorKind::InvalidInput, "leads out of the folder"),
                error => error.into(),
            },
        )?;
        let opened = match FileType::from_raw_mode(fstat(&opened)?.st_mode) {
            FileType::Directory => Opened::Directory(opened),
            FileType::RegularFile => Opened::File(opened.into()),
            other => return Err(io::Error::new(io::ErrorKind::InvalidInput, kind(other))),
        };
        Ok(Self { local: local.into(), path: path.into(), opened })
    }

    /// Its path on this machine.
    #[must_use]
    pub fn local(&self) -> &Path {
        &self.local
    }

    /// Its length in bytes, if it is a regular file.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.opened {
            Opened::File(file) => file.metadata().ok().map(|metadata| metadata.len()),
            Opened::Directory(_) => None,
        }
    }

    /// Reads a regular file as a whole.
    ///
    /// # Errors
    ///
    /// It cannot be read, has more than `max` bytes or is a directory.
    pub fn read(self, max: usize) -> io::Result<cofferdam_types::File> {
        let Opened::File(file) = self.opened else { return Err(io::ErrorKind::IsADirectory.into()) };
        let mode = file.metadata()?.permissions().mode() & PERMISSIONS;
        let content = regular_file::read_open(file, max)?;
        Ok(cofferdam_types::File { path: self.path, mode, content })
    }
}

/// What an entry is that cannot be sent.
fn kind(file_type: FileType) -> &'static str {
    match file_type {
        FileType::Socket => "is a socket, not a regular file or a folder; leave it out",
        FileType::Fifo => "is a FIFO, not a regular file or a folder; leave it out",
        FileType::BlockDevice | FileType::CharacterDevice => {
            "is a device, not a regular file or a folder; leave it out"
        }
        _ => "is not a regular file or a folder; leave it out",
    }
}

#[cfg(test)]
mod tests;
