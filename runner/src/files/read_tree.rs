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
use std::os::fd::AsFd;

/// Sends each directory, link and regular file below a directory. It fails if one of them may not be read: a tree
/// without it would look complete.
pub(super) fn read_tree(path: &[u8], replies: &mut Replies<'_>) -> Result<(), FileFailure> {
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
    let path = path::join(root, found.path);
    let file = match openat(found.directory, found.name, OPEN | OFlags::NOFOLLOW, Mode::empty()) {
        Err(error) if has_changed(error) => return Ok(()),
        result => result.at(&path)?,
    };
    let stat = fstat(&file).at(&path)?;
    if entry::kind(&stat) != FileKind::File {
        return Ok(());
    }
    let entry = entry::describe(found.directory, found.name, found.path.to_vec(), &stat).at(&path)?;
    let size = entry.size;
    replies.send(&FileReply::Entry(entry))?;
    send_content(file.as_fd(), size, &path, replies)
}
