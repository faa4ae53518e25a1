//! poll(2) with a token for each source.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{io, os::fd::BorrowedFd, time::Duration};

/// The sources of one poll. A token identifies a source.
#[derive(Debug)]
pub(crate) struct Poll<'fd, T> {
    tokens: Vec<T>,
    fds: Vec<PollFd<'fd>>,
}

impl<'fd, T> Poll<'fd, T> {
    /// Creates a poll without sources.
    pub(crate) fn new() -> Self {
        Self { tokens: Vec::new(), fds: Vec::new() }
    }

    /// Adds a source, unless it is closed.
    pub(crate) fn add(&mut self, token: T, fd: Option<BorrowedFd<'fd>>, interest: PollFlags) {
        if let Some(fd) = fd {
            self.tokens.push(token);
            self.fds.push(PollFd::from_borrowed_fd(fd, interest));
        }
    }

    /// Waits until a source is ready, at most for `timeout`. Returns the tokens of all sources that are
    /// ready, in the order in which they were added.
    pub(crate) fn wait(mut self, timeout: Option<Duration>) -> io::Result<Vec<T>> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        poll(&mut self.fds, timeout.as_ref())?;
        let sources = self.tokens.into_iter().zip(&self.fds);
        Ok(sources.filter(|(_, fd)| !fd.revents().is_empty()).map(|(token, _)| token).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, os::fd::AsFd};

    #[test]
    fn only_ready_sources_are_returned() {
        let (empty_reader, _empty_writer) = io::pipe().expect("a pipe");
        let (full_reader, mut full_writer) = io::pipe().expect("a pipe");
        full_writer.write_all(b"x").expect("room in the pipe");
        let mut poll = Poll::new();
        poll.add("empty", Some(empty_reader.as_fd()), PollFlags::IN);
        poll.add("closed", None, PollFlags::IN);
        poll.add("full", Some(full_reader.as_fd()), PollFlags::IN);
        assert_eq!(poll.wait(Some(Duration::ZERO)).expect("a poll"), ["full"]);
    }
}
