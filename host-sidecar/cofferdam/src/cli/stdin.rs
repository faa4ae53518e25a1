//! Standard input, which is read completely before the program starts.

use super::{Failure, print_error};
use cofferdam_types::validation::MAX_INPUT;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

/// After this time without data, an open pipe counts as empty. Many hosts leave one open.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(3);
const CHUNK: usize = 64 << 10;

/// How standard input is passed to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mode {
    /// Pass on piped input; a pipe without data for 3 s counts as empty
    Auto,
    /// Wait for piped input, up to the startup timeout
    Wait,
    /// Pass on no input
    None,
}

/// Reads piped input. A terminal has none, and neither has a pipe that stays without data, about which there
/// is a message.
pub(super) fn piped(mode: Mode, timeout: Duration) -> Result<Option<Vec<u8>>, Failure> {
    let stdin = io::stdin();
    if mode == Mode::None || stdin.is_terminal() {
        return Ok(None);
    }
    if mode == Mode::Auto && !is_ready(&stdin, FIRST_BYTE_TIMEOUT.min(timeout))? {
        print_error(format_args!(
            "standard input is open and has no data after {} s: the program gets none (use --stdin wait or --stdin \
             none)",
            FIRST_BYTE_TIMEOUT.as_secs()
        ));
        return Ok(None);
    }
    read(&stdin, timeout).map(Some)
}

/// Reads the program from standard input.
pub(super) fn program(timeout: Duration) -> Result<Vec<u8>, Failure> {
    let stdin = io::stdin();
    // Typing takes time.
    read(&stdin, if stdin.is_terminal() { Duration::MAX } else { timeout })
}

fn is_ready(stdin: &io::Stdin, timeout: Duration) -> io::Result<bool> {
    let timespec = Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    let mut fds = [PollFd::new(stdin, PollFlags::IN)];
    loop {
        match poll(&mut fds, Some(&timespec)) {
            Err(Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

/// Reads to the end, or to one byte over the limit, so that the validation of the request refuses it.
fn read(stdin: &io::Stdin, timeout: Duration) -> Result<Vec<u8>, Failure> {
    let deadline = Instant::now().checked_add(timeout);
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    while bytes.len() <= MAX_INPUT {
        let left =
            deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        if !is_ready(stdin, left)? {
            let text =
                format!("standard input did not end within {} s (--startup-timeout)", timeout.as_secs_f64());
            return Err(text.into());
        }
        match rustix::io::read(stdin, &mut chunk) {
            // A closed standard input is an empty one.
            Ok(0) | Err(Errno::BADF) => break,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(format!("standard input cannot be read: {error}").into()),
        }
    }
    Ok(bytes)
}
