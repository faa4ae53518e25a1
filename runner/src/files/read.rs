//! Reads one regular file.

use super::{
    CHUNK, entry,
    failure::{AtPath, failure},
    replies::Replies,
};
use cofferdam_protocol::{FileErrorKind, FileFailure, FileReply};
use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat},
    io::{read as read_some, retry_on_intr},
};
use std::os::fd::{AsFd, BorrowedFd};

/// How a file is opened that may be anything: nothing waits for a FIFO's writer, and no terminal becomes ours.
pub(super) const OPEN: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// Most bytes that are read of a file which says that it is empty, such as those of `/proc`.
const MAX_UNSIZED: usize = 1 << 20;

/// Reads a regular file up to the size that it has now.
pub(super) fn read(path: &[u8], replies: &mut Replies<'_>) -> Result<(), FileFailure> {
    let file = openat(CWD, path, OPEN, Mode::empty()).at(path)?;
    let stat = fstat(&file).at(path)?;
    entry::require_regular(entry::kind(&stat), path)?;
    let mut entry = entry::describe(CWD, path, entry::absolute_path(path), &stat).at(path)?;
    let unsized_content = match entry.size {
        0 => read_unsized(file.as_fd(), path)?,
        _ => Vec::new(),
    };
    let size = entry.size;
    entry.size += unsized_content.len() as u64;
    replies.send(&FileReply::Entry(entry))?;
    for chunk in unsized_content.chunks(CHUNK) {
        replies.send(&FileReply::Content(chunk.to_vec()))?;
    }
    send_content(file.as_fd(), size, path, replies)
}

/// Sends so many bytes of a file.
pub(super) fn send_content(
    file: BorrowedFd<'_>,
    size: u64,
    path: &[u8],
    replies: &mut Replies<'_>,
) -> Result<(), FileFailure> {
    let mut rest = size;
    // One allocation for all chunks: each of this size would be a mapping of its own.
    let mut content = FileReply::Content(Vec::new());
    while rest > 0 {
        if let FileReply::Content(chunk) = &mut content {
            chunk.resize(usize::try_from(rest).map_or(CHUNK, |rest| rest.min(CHUNK)), 0);
            let length = retry_on_intr(|| read_some(file, &mut **chunk)).at(path)?;
            if length == 0 {
                let reason = "the file became shorter while it was read; read it again";
                return Err(failure(FileErrorKind::Other, path, reason));
            }
            chunk.truncate(length);
            rest -= length as u64;
        }
        replies.send(&content)?;
    }
    Ok(())
}

fn read_unsized(file: BorrowedFd<'_>, path: &[u8]) -> Result<Vec<u8>, FileFailure> {
    let (mut content, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    while content.len() < MAX_UNSIZED {
        let length = retry_on_intr(|| read_some(file, &mut *chunk)).at(path)?;
        if length == 0 {
            break;
        }
        content.extend_from_slice(chunk.get(..length).unwrap_or_default());
    }
    Ok(content)
}
