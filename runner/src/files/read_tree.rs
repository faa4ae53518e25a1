//! Reads a directory with everything in it.

use super::{
    entry,
    failure::AtPath,
    path,
    read::{OPEN, send_content},
    replies::Replies,
    walk::{Denied, Found, has_changed, open_directory, walk},
};
use cofferdam_protocol::{FileFailure, FileKind, FileReply};
use rustix::fs::{Mode, OFlags, fstat, openat};
use std::os::fd::{AsFd, OwnedFd};

/// Permission bits with which everybody may read a file.
const ALL_MAY_READ: u32 = 0o444;

/// Sends each directory, link and regular file below a directory. It fails if one of them may not be read: a tree
/// without it would look complete.
pub(super) fn read_tree(path: &[u8], replies: &mut Replies<'_>) -> Result<(), FileFailure> {
    // Before anything is sent: a failure after that only cuts the archive that the caller gets.
    walk(open_directory(path)?, path, Denied::Fail, &mut |found| {
        let is_checked = entry::kind(&found.stat) != FileKind::File
            || entry::permissions(&found.stat) & ALL_MAY_READ == ALL_MAY_READ;
        if !is_checked {
            open_file(found, path)?;
        }
        Ok(true)
    })?;
    walk(open_directory(path)?, path, Denied::Fail, &mut |found| {
        match entry::kind(&found.stat) {
            FileKind::File => send_file(found, path, replies)?,
            FileKind::Directory | FileKind::Link => {
                if let Some(entry) = found.describe() {
                    replies.send(&FileReply::Entry(entry))?;
                }
            }
            FileKind::Other => {}
        }
        Ok(true)
    })
}

fn send_file(found: &Found<'_>, root: &[u8], replies: &mut Replies<'_>) -> Result<(), FileFailure> {
    let Some(file) = open_file(found, root)? else { return Ok(()) };
    let path = path::join(root, found.path);
    let stat = fstat(&file).at(&path)?;
    if entry::kind(&stat) != FileKind::File {
        return Ok(());
    }
    let entry = entry::describe(found.directory, found.name, found.path.to_vec(), &stat).at(&path)?;
    let size = entry.size;
    replies.send(&FileReply::Entry(entry))?;
    send_content(file.as_fd(), size, &path, replies)
}

/// Opens a file. None if it has been removed or replaced.
fn open_file(found: &Found<'_>, root: &[u8]) -> Result<Option<OwnedFd>, FileFailure> {
    match openat(found.directory, found.name, OPEN | OFlags::NOFOLLOW, Mode::empty()) {
        Err(error) if has_changed(error) => Ok(None),
        result => result.map(Some).at(&path::join(root, found.path)),
    }
}
