//! What has a path.

use super::{
    failure::{AtPath, failure},
    path,
    replies::Replies,
};
use cofferdam_protocol::{FileEntry, FileErrorKind, FileFailure, FileKind, FileReply, PERMISSIONS};
use rustix::{
    fs::{AtFlags, CWD, FileType, Stat, readlinkat, statat},
    io::Errno,
};
use std::{os::fd::BorrowedFd, path::absolute, time::Duration};

/// Describes what has a path, without following a link.
pub(super) fn stat(path: &[u8], replies: &mut Replies<'_>) -> Result<(), FileFailure> {
    let stat = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).at(path)?;
    replies.send(&FileReply::Entry(describe(CWD, path, absolute_path(path), &stat).at(path)?))
}

/// Describes what `stat` was found for. Reads the target of a link by its name in `directory`.
pub(super) fn describe(
    directory: BorrowedFd<'_>,
    name: &[u8],
    path: Vec<u8>,
    stat: &Stat,
) -> Result<FileEntry, Errno> {
    let kind = kind(stat);
    let target = match kind {
        FileKind::Link => readlinkat(directory, name, Vec::new())?.into_bytes(),
        _ => Vec::new(),
    };
    let size = if kind == FileKind::File { size(stat) } else { target.len() as u64 };
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    let modified = Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds.into()));
    Ok(FileEntry { path, kind, size, mode: permissions(stat), modified, target })
}

/// What kind of file it is.
pub(super) fn kind(stat: &Stat) -> FileKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    }
}

/// Bytes of a regular file.
pub(super) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// The permission bits.
pub(super) fn permissions(stat: &Stat) -> u32 {
    stat.st_mode & PERMISSIONS
}

/// Device and number of a file, which no other file has while it exists.
pub(super) fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// Refuses what is not a regular file.
pub(super) fn require_regular(kind: FileKind, path: &[u8]) -> Result<(), FileFailure> {
    match kind {
        FileKind::File => Ok(()),
        FileKind::Directory => {
            Err(failure(FileErrorKind::IsDirectory, path, "it is a directory, not a file"))
        }
        FileKind::Link | FileKind::Other => {
            Err(failure(FileErrorKind::NotRegular, path, "it is not a regular file"))
        }
    }
}

/// The absolute path of a path of the caller, with its links.
pub(super) fn absolute_path(path: &[u8]) -> Vec<u8> {
    absolute(path::as_path(path))
        .map_or_else(|_| path.to_vec(), |path| path.into_os_string().into_encoded_bytes())
}
