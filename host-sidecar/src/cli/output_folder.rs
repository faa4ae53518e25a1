//! The folder that collected files are written to. Their names are the program's choice, which nobody has read.

use super::{Failure, files::shown, hidden};
use crate::component::types;
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, mkdirat, open, openat, statat, unlinkat},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder that is there, and stays the one it was when it was opened.
#[derive(Debug)]
pub(super) struct OutputFolder {
    path: PathBuf,
    folder: OwnedFd,
    /// Whether files that are there already are replaced.
    overwrites: bool,
}

/// A file that was not written, and why.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) path: String,
    pub(super) reason: String,
}

impl OutputFolder {
    /// Makes the folder if need be and opens it, before the program runs.
    ///
    /// # Errors
    ///
    /// [`Failure`] where it cannot be had, or is a symbolic link.
    pub(super) fn open(path: &Path, overwrites: bool) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| format!("the folder {} cannot be made: {error}", shown(path)))?;
        // A `/` at its end would follow a link.
        let path = path.components().as_path().to_owned();
        let folder = open(&path, FOLDER, Mode::empty()).map_err(|error| {
            if path.is_symlink() {
                return format!("the folder {} is a symbolic link; name the folder itself", shown(&path));
            }
            format!("the folder {} cannot be opened: {}", shown(&path), io::Error::from(error))
        })?;
        Ok(Self { path, folder, overwrites })
    }

    /// Writes files that these patterns have named; gives what was not written.
    pub(super) fn write(&self, files: &[types::File], patterns: &[String]) -> Vec<Unwritten> {
        let write = |file: &types::File| {
            let written = if hidden::is_unasked(&file.path, patterns) {
                Err(io::Error::other("its name begins with a dot, and --collect does not name one that does"))
            } else {
                self.write_file(&file.path, &file.content)
            };
            let path = || self.path.join(&file.path).to_string_lossy().into_owned();
            written.err().map(|error| Unwritten { path: path(), reason: error.to_string() })
        };
        files.iter().filter_map(write).collect()
    }

    /// No link is followed on the way: what is written stays below the folder.
    fn write_file(&self, path: &str, content: &[u8]) -> io::Result<()> {
        cofferdam_contract::relative_path(path).map_err(io::Error::other)?;
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
        let mut file = self.create(parent, name)?;
        file.write_all(content).inspect_err(|_| {
            // Half a file is none.
            let _ = unlinkat(parent, name, AtFlags::empty());
        })
    }

    /// Creates a file; one that is there already is replaced where that was asked for, and never written to: it may have other
    /// names.
    fn create(&self, parent: BorrowedFd<'_>, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        match openat(parent, name, flags, mode) {
            Err(Errno::EXIST) if self.overwrites => {
                let there = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
                if !FileType::from_raw_mode(there.st_mode).is_file() {
                    return Err(io::Error::other("what is there is not a regular file"));
                }
                unlinkat(parent, name, AtFlags::empty())?;
                Ok(openat(parent, name, flags, mode)?.into())
            }
            Err(Errno::EXIST) => Err(io::Error::other("it is there already, and --overwrite was not given")),
            file => Ok(file?.into()),
        }
    }
}
