//! The runner's standard input and output, without the standard library's buffers.

use crate::poll::Poll;
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::SignalFd,
};
use rustix::{event::PollFlags, io::Errno};
use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

/// Writes all bytes to standard output. The standard library would write each line separately.
pub(crate) fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(&stdout, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads and discards some bytes of `input`. Returns their number, 0 at the end of `input`.
pub(crate) fn discard(input: BorrowedFd<'_>) -> io::Result<usize> {
    Ok(rustix::io::read(input, &mut [0; 64])?)
}

/// Standard input as a file. A buffer would take bytes that are read elsewhere.
pub(crate) fn unbuffered_stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// What an idle runner waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// The relay of a session.
    Relay,
    /// The kubelet has sent SIGTERM.
    Signal,
}

/// Waits until standard input is readable. Returns `false` at the timeout, or when the kubelet sends SIGTERM.
pub(crate) fn wait_until_readable(timeout: Option<Duration>) -> io::Result<bool> {
    let stdin = io::stdin();
    let mut poll = Poll::new();
    poll.add(Source::Stdin, Some(stdin.as_fd()), PollFlags::IN);
    let ready = wait(poll, timeout)?;
    Ok(ready.contains(&Source::Stdin))
}

/// Waits until one of these sources is ready, or the kubelet sends SIGTERM. Returns none at the timeout.
pub(crate) fn wait(poll: Poll<'_, Source>, timeout: Option<Duration>) -> io::Result<Vec<Source>> {
    let sigterm = SigSet::from(Signal::SIGTERM);
    sigterm.thread_block()?;
    let signals = SignalFd::new(&sigterm)?;
    let mut poll: Poll<'_, Source> = poll;
    poll.add(Source::Signal, Some(signals.as_fd()), PollFlags::IN);
    let ready = poll.wait(timeout)?;
    // A child process would inherit the blocked signal.
    sigterm.thread_unblock()?;
    Ok(ready)
}
