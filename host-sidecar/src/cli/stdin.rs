//! Standard input, which a program gets as a whole before it starts.

use super::Failure;
use cofferdam_contract::MAX_INPUT;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    io::{self, IsTerminal, Read},
    time::Duration,
};

/// How long an open pipe may stay silent before it is taken for one that nobody writes to. Many hosts leave one open.
const SILENCE: Duration = Duration::from_secs(3);

/// What is piped in; nothing from a terminal, and nothing from a pipe that stays silent, which is said.
pub(super) fn piped() -> Result<Option<Vec<u8>>, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(None);
    }
    if !is_ready(&stdin)? {
        eprintln!(
            "cofferdam: standard input is open and nothing has come for {} s: the program gets none (say --no-stdin, or \
             redirect it from /dev/null)",
            SILENCE.as_secs()
        );
        return Ok(None);
    }
    read(stdin.lock()).map(Some)
}

/// A program that is itself piped in.
pub(super) fn program() -> Result<Vec<u8>, Failure> {
    read(io::stdin().lock())
}

fn is_ready(stdin: &io::Stdin) -> io::Result<bool> {
    let patience = Timespec { tv_sec: SILENCE.as_secs().cast_signed(), tv_nsec: 0 };
    let mut fds = [PollFd::new(stdin, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&patience))? > 0)
}

/// Reads one byte more than is allowed, so that the contract can say that it is too much.
fn read(from: impl Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match from.take(MAX_INPUT as u64 + 1).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        // No standard input at all is an empty one.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error()) => Ok(bytes),
        Err(error) => Err(format!("standard input cannot be read: {error}").into()),
    }
}
