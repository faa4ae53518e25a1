//! Lists directories.

use super::{
    replies::Replies,
    walk::{Denied, open_directory, walk},
};
use cofferdam_protocol::{FileFailure, FileReply};

/// Lists a directory to a depth.
pub(super) fn list(path: &[u8], depth: u32, replies: &mut Replies<'_>) -> Result<(), FileFailure> {
    let directory = open_directory(path)?;
    if depth == 0 {
        return Ok(());
    }
    walk(directory, path, Denied::Skip, &mut |found| {
        if let Some(entry) = found.describe() {
            replies.send(&FileReply::Entry(entry))?;
        }
        Ok(found.depth < depth as usize)
    })
}
