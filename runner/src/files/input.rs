//! What the caller writes.

use super::failure::{AtPath, failure};
use crate::poll::Poll;
use cofferdam_protocol::{FileErrorKind, FileFailure};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::SignalFd,
};
use rustix::{
    event::PollFlags,
    io::{Errno, read},
};
use std::{os::fd::BorrowedFd, time::Duration};

/// The caller's bytes.
#[derive(Debug)]
pub(super) struct Input<'fd> {
    pub(super) data: BorrowedFd<'fd>,
    /// Is readable once the caller gives up: the end of `data` would be taken for the end of the file.
    pub(super) abort: Option<BorrowedFd<'fd>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Abort,
    Data,
}

impl Input<'_> {
    /// Reads the next bytes into `buffer`. Returns their number, 0 at the end.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Result<usize, FileFailure> {
        loop {
            let mut poll = Poll::new();
            poll.add(Source::Abort, self.abort, PollFlags::IN);
            poll.add(Source::Data, Some(self.data), PollFlags::IN);
            match poll.wait(None) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).at(b""),
                Ok(ready) if ready.contains(&Source::Abort) => return Err(aborted()),
                Ok(_) => {}
            }
            match read(self.data, &mut *buffer) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                result => return result.at(b""),
            }
        }
    }

    /// Fails once the caller has given up.
    pub(super) fn check(&self) -> Result<(), FileFailure> {
        let mut poll = Poll::new();
        poll.add(Source::Abort, self.abort, PollFlags::IN);
        let is_aborted = poll.wait(Some(Duration::ZERO)).is_ok_and(|ready| !ready.is_empty());
        if is_aborted { Err(aborted()) } else { Ok(()) }
    }
}

fn aborted() -> FileFailure {
    failure(FileErrorKind::Other, b"", "the write was aborted")
}

/// Makes SIGTERM readable instead of deadly, so that a write which is aborted can remove what it has written.
pub(super) fn receive_sigterm() -> Result<SignalFd, FileFailure> {
    let sigterm = SigSet::from(Signal::SIGTERM);
    sigterm.thread_block().and_then(|()| SignalFd::new(&sigterm)).at(b"")
}
