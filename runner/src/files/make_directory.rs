//! Makes directories.

use super::{
    failure::{AtPath, failure},
    path,
};
use cofferdam_protocol::{FileErrorKind, FileFailure, FileKind, PERMISSIONS};
use rustix::{
    fs::{AtFlags, CWD, Mode, mkdirat, statat},
    io::Errno,
};
use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt};

/// The permission bits of a directory that is made because one below it is.
pub(super) const PARENT_MODE: u32 = 0o755;

/// Makes a directory, and missing ones above it.
pub(super) fn make_directory(path: &[u8], mode: u32) -> Result<(), FileFailure> {
    let make = || mkdirat(CWD, path, Mode::from_raw_mode(mode & PERMISSIONS));
    let result = match make() {
        Err(Errno::NOENT) => {
            make_parents(path)?;
            make()
        }
        result => result,
    };
    match result {
        Err(Errno::EXIST) => require_directory(path),
        result => result.at(path),
    }
}

/// Makes the directories above a path that are missing.
pub(super) fn make_parents(path: &[u8]) -> Result<(), FileFailure> {
    let Some(parent) = path::as_path(path).parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    match DirBuilder::new().recursive(true).mode(PARENT_MODE).create(parent) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(not_directory(path)),
        result => result.at(path),
    }
}

fn require_directory(path: &[u8]) -> Result<(), FileFailure> {
    match statat(CWD, path, AtFlags::empty()) {
        Ok(stat) if super::entry::kind(&stat) == FileKind::Directory => Ok(()),
        _ => Err(not_directory(path)),
    }
}

fn not_directory(path: &[u8]) -> FileFailure {
    failure(FileErrorKind::NotDirectory, path, "something that is not a directory is in the way")
}
