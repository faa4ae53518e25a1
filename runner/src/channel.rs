//! The channel to the sidecar: the program comes in, frames go out on standard output.

use crate::{
    error::{During, Error},
    replay::Replay,
};
use cofferdam_protocol::{Frame, LogEncoder, MalformedProgram, Program, decode_program, encode};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::SignalFd,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Longest program that is read: the contract's inputs, and some.
const MAX_PROGRAM: u32 = 64 << 20;
/// Bytes that are written at once, of a frame that may be large.
const PIECE: usize = 96 << 10;
/// Bytes that a log may have before somebody reads it.
const BEFORE_A_READER: usize = 8 << 20;
/// How long a reader may take to come.
const FOR_A_READER: Duration = Duration::from_secs(5);

/// The sidecar's end of the run.
#[derive(Debug)]
pub(crate) enum Channel {
    /// A pipe each way. The end of standard input is the end of the sidecar's interest.
    Pipes,
    /// The program lies in parts in a folder; frames go into a container's log.
    Log {
        /// The folder.
        program: PathBuf,
        /// What makes lines of frames.
        encoder: LogEncoder,
        /// Bytes of the log so far.
        length: usize,
        /// For who joins it late.
        replay: Replay,
        /// When the log began.
        opened: Instant,
    },
}

impl Channel {
    /// The channel of a runner whose program lies in this folder, or else comes in on standard input.
    pub(crate) fn open(program: Option<PathBuf>) -> Self {
        match program {
            Some(program) => Self::Log {
                program,
                encoder: LogEncoder::default(),
                length: 0,
                replay: Replay::new(),
                opened: Instant::now(),
            },
            None => Self::Pipes,
        }
    }

    /// How long it is better to send nothing. A kubelet puts a log aside that is longer than 10 MiB, and who comes to read
    /// it after that does not get its beginning: up to that length there is time for a reader to come.
    pub(crate) fn holds_back(&self) -> Option<Duration> {
        match self {
            Self::Log { length, opened, .. } if *length + PIECE > BEFORE_A_READER => {
                FOR_A_READER.checked_sub(opened.elapsed()).filter(|left| !left.is_zero())
            }
            _ => None,
        }
    }

    /// Sends one frame, as soon as that is good.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        for piece in encode(frame).chunks(PIECE) {
            if let Some(time) = self.holds_back() {
                thread::sleep(time);
            }
            self.write(piece).map_err(|_| Error::ChannelClosed)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        match self {
            Self::Pipes => output.write_all(bytes)?,
            Self::Log { encoder, length, replay, .. } => {
                let lines = encoder.encode(bytes);
                *length += lines.len();
                replay.keep(&lines);
                output.write_all(lines.as_bytes())?;
            }
        }
        output.flush()
    }

    /// A reader has joined: it is told all that it has missed.
    fn repeat(&mut self) -> io::Result<()> {
        let Self::Log { length, replay, .. } = self else { return Ok(()) };
        let lines = replay.say();
        *length += lines.len();
        let mut output = io::stdout().lock();
        output.write_all(lines.as_bytes())?;
        output.flush()
    }

    /// After the last frame: a reader that joins only now is still told all of it.
    pub(crate) fn linger(&mut self) -> Result<(), Error> {
        const STEP: &str = "wait for a reader";
        if !matches!(self, Self::Log { replay, .. } if replay.is_awaited()) {
            return Ok(());
        }
        let ends = SigSet::from(Signal::SIGTERM);
        ends.thread_block().during(STEP)?;
        let ends = SignalFd::new(&ends).during(STEP)?;
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(&ends, PollFlags::IN)];
        let patience = Timespec { tv_sec: FOR_A_READER.as_secs().cast_signed(), tv_nsec: 0 };
        poll(&mut fds, Some(&patience)).during(STEP)?;
        if fds[0].revents().contains(PollFlags::IN) && hear(stdin.as_fd()).is_ok_and(|length| length > 0) {
            self.repeat().during(STEP)?;
        }
        Ok(())
    }

    /// Waits for the program.
    pub(crate) fn receive_program(&mut self) -> Result<Program, Error> {
        match self {
            Self::Pipes => read_program(io::stdin().lock()),
            Self::Log { program, .. } => {
                let mut parts = fs::read_dir(program)
                    .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
                    .during("find the program")?;
                // A volume's own entries begin with dots.
                parts.retain(|part| part.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
                parts.sort();
                let parts = parts.iter().map(fs::read).collect::<io::Result<Vec<_>>>().during("read the program")?;
                read_program(parts.concat().as_slice()).map_err(|_| MalformedProgram.into())
            }
        }
    }

    /// What becomes readable when there is something to [`attend`](Self::attend) to.
    pub(crate) fn lifeline(&self) -> io::Result<OwnedFd> {
        io::stdin().as_fd().try_clone_to_owned()
    }

    /// Finds out what the sidecar wants.
    pub(crate) fn attend(&mut self, lifeline: &OwnedFd) -> Result<Wish, Error> {
        match (hear(lifeline.as_fd()), &self) {
            (Ok(0), Self::Pipes) => Ok(Wish::End),
            (Err(error), Self::Pipes) => Err(error).during("read the channel"),
            // A reader of a log may come and go, in whatever way.
            (Ok(0) | Err(_), Self::Log { .. }) => Ok(Wish::NothingMore),
            (Ok(_), _) => {
                self.repeat().map_err(|_| Error::ChannelClosed)?;
                Ok(Wish::GoOn)
            }
        }
    }
}

fn read_program(mut input: impl Read) -> Result<Program, Error> {
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(|_| Error::ChannelClosed)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_PROGRAM {
        return Err(MalformedProgram.into());
    }
    let mut body = vec![0; length as usize];
    input.read_exact(&mut body).map_err(|_| Error::ChannelClosed)?;
    Ok(decode_program(&body)?)
}

/// What the sidecar wants of a runner that is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nobody wants the program any longer.
    End,
    /// Nothing, and it will not say more.
    NothingMore,
    /// Nothing, now.
    GoOn,
}

/// Bytes that have come.
fn hear(stdin: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes = [0; 64];
    Ok(rustix::io::read(stdin, &mut bytes)?)
}
