//! Moves files and directories.

use super::{
    failure::{AtPath, failure},
    input::Input,
    move_across::move_across,
};
use cofferdam_protocol::{FileErrorKind, FileFailure};
use rustix::{
    fs::{AtFlags, CWD, renameat, statat},
    io::Errno,
};

/// Moves a file or a directory.
pub(super) fn rename(from: &[u8], to: &[u8], input: &Input<'_>) -> Result<(), FileFailure> {
    match renameat(CWD, from, CWD, to) {
        Err(Errno::XDEV) => move_across(from, to, input),
        Err(Errno::INVAL) => {
            Err(failure(FileErrorKind::InvalidPath, to, "a directory cannot be moved into itself"))
        }
        Err(Errno::EXIST | Errno::NOTEMPTY) => {
            Err(failure(FileErrorKind::Exists, to, "a directory with files has this path"))
        }
        // The kernel does not say which path it means.
        Err(error) => {
            statat(CWD, from, AtFlags::SYMLINK_NOFOLLOW).at(from)?;
            Err(error).at(to)
        }
        Ok(()) => Ok(()),
    }
}
