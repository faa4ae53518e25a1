//! Standard input, which a program gets as a whole before it starts.

use super::{Failure, say};
use cofferdam_types::validation::MAX_INPUT;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

/// How long an open pipe may stay silent before it is taken for one that nobody writes to. Many hosts leave one open.
const SILENCE: Duration = Duration::from_secs(3);
const CHUNK: usize = 64 << 10;

/// What to do with standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mode {
    /// Pass on what is piped in; a pipe that stays silent for 3 s is taken for empty
    Auto,
    /// Wait for what is piped in, as long as the start-up time
    Wait,
    /// Pass on nothing
    None,
}

/// What is piped in; nothing from a terminal, and nothing from a pipe that stays silent, which is said.
pub(super) fn piped(mode: Mode, patience: Duration) -> Result<Option<Vec<u8>>, Failure> {
    let stdin = io::stdin();
    if mode == Mode::None || stdin.is_terminal() {
        return Ok(None);
    }
    if mode == Mode::Auto && !is_ready(&stdin, SILENCE.min(patience))? {
        say(format_args!(
            "standard input is open and nothing has come for {} s: the program gets none (say --stdin wait or --stdin \
             none)",
            SILENCE.as_secs()
        ));
        return Ok(None);
    }
    read(&stdin, patience).map(Some)
}

/// A program that is itself piped in.
pub(super) fn program(patience: Duration) -> Result<Vec<u8>, Failure> {
    let stdin = io::stdin();
    // Whoever types it may take their time.
    read(&stdin, if stdin.is_terminal() { Duration::MAX } else { patience })
}

fn is_ready(stdin: &io::Stdin, patience: Duration) -> io::Result<bool> {
    let patience =
        Timespec { tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: patience.subsec_nanos().into() };
    let mut fds = [PollFd::new(stdin, PollFlags::IN)];
    loop {
        match poll(&mut fds, Some(&patience)) {
            Err(Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Reads to the end, but one byte more than is allowed at the most, so that the contract can say that it is too much.
fn read(stdin: &io::Stdin, patience: Duration) -> Result<Vec<u8>, Failure> {
    let deadline = Instant::now().checked_add(patience);
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    while bytes.len() <= MAX_INPUT {
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        if !is_ready(stdin, left)? {
            let text = format!("standard input did not end within {} s (--startup-timeout)", patience.as_secs_f64());
            return Err(text.into());
        }
        match rustix::io::read(stdin, &mut chunk) {
            // No standard input at all is an empty one.
            Ok(0) | Err(Errno::BADF) => break,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(format!("standard input cannot be read: {error}").into()),
        }
    }
    Ok(bytes)
}
