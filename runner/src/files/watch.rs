//! Watches a directory for changes.

mod directories;
mod queue;

use self::{directories::Directories, queue::Queue};
use super::{
    failure::{AtPath, failure},
    input::Input,
};
use crate::poll::Poll;
use cofferdam_protocol::{FileErrorKind, FileFailure, FileReply};
use rustix::{
    event::PollFlags,
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
};
use std::{io::ErrorKind, os::fd::BorrowedFd};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Input,
    Changes,
    Output,
}

/// Reports the changes in a directory until the input ends, nobody reads the replies, or the directory is gone, which
/// is a failure.
pub(super) fn watch(
    path: &[u8],
    recursive: bool,
    input: &Input<'_>,
    output: BorrowedFd<'_>,
) -> Result<(), FileFailure> {
    let mut directories = Directories::watch(path, recursive)?;
    // A reader that is slow must not keep the kernel's queue from being emptied: gVisor's has no limit.
    let flags = fcntl_getfl(output).at(path)?;
    fcntl_setfl(output, flags | OFlags::NONBLOCK).at(path)?;
    let result = report(&mut directories, input, output);
    fcntl_setfl(output, flags).at(path)?;
    match result? {
        End::Caller => Ok(()),
        End::Directory => {
            Err(failure(FileErrorKind::NotFound, path, "the watched directory was removed or moved"))
        }
    }
}

/// Why a watch ends.
enum End {
    Caller,
    Directory,
}

fn report(
    directories: &mut Directories<'_>,
    input: &Input<'_>,
    output: BorrowedFd<'_>,
) -> Result<End, FileFailure> {
    let mut queue = Queue::default();
    queue.push(&FileReply::Done);
    let mut is_gone = false;
    while !is_gone || !queue.is_empty() {
        let mut poll = Poll::new();
        poll.add(Source::Input, Some(input.data), PollFlags::IN);
        poll.add(Source::Changes, (!is_gone).then(|| directories.fd()), PollFlags::IN);
        // Without interest, the source is ready once nobody reads.
        let interest = if queue.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        poll.add(Source::Output, Some(output), interest);
        let ready = match poll.wait(None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result.at(b"")?,
        };
        if ready.contains(&Source::Input) && input.read(&mut [0; 64])? == 0 {
            return Ok(End::Caller);
        }
        if ready.contains(&Source::Changes) {
            is_gone = directories.read_changes(&mut queue)?;
        }
        if ready.contains(&Source::Output) && !queue.write_to(output) {
            return Ok(End::Caller);
        }
    }
    Ok(End::Directory)
}
