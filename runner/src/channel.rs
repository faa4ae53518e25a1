//! The channel to the sidecar: the program comes in, frames go out on standard output.

use crate::{
    error::{During, Error},
    options::Options,
    replay::Replay,
};
use cofferdam_protocol::{Frame, LogEncoder, MalformedMessage, Message, decode_message, encode};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::SignalFd,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Longest message that is read: the contract's inputs, and some.
const MAX_MESSAGE: u32 = 64 << 20;
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
    /// Frames go into a container's log.
    Log {
        /// The folder in which the program lies in parts; none if messages bring it.
        program: Option<PathBuf>,
        /// No message is waited for after that.
        expires: Option<SystemTime>,
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
    /// The channel that the command line tells of.
    pub(crate) fn open(options: &Options) -> Self {
        if !options.log {
            return Self::Pipes;
        }
        Self::Log {
            program: options.program.clone(),
            expires: options.expires,
            encoder: LogEncoder::default(),
            length: 0,
            replay: Replay::new(),
            opened: Instant::now(),
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
        match self {
            Self::Pipes => say(bytes),
            Self::Log { encoder, length, replay, .. } => {
                let lines = encoder.encode(bytes);
                *length += lines.len();
                replay.keep(&lines);
                say(lines.as_bytes())
            }
        }
    }

    /// A reader has joined: it is told all that it has missed.
    fn repeat(&mut self) -> io::Result<()> {
        let Self::Log { length, replay, .. } = self else { return Ok(()) };
        let lines = replay.say();
        *length += lines.len();
        say(lines.as_bytes())
    }

    /// After the last frame: a reader that joins only now is still told all of it.
    pub(crate) fn linger(&mut self) -> Result<(), Error> {
        const STEP: &str = "wait for a reader";
        if !matches!(self, Self::Log { replay, .. } if replay.is_awaited()) {
            return Ok(());
        }
        if is_readable_within(Some(FOR_A_READER)).during(STEP)?
            && hear(io::stdin().as_fd()).is_ok_and(|length| length > 0)
        {
            self.repeat().during(STEP)?;
        }
        Ok(())
    }

    /// Waits for the next message.
    pub(crate) fn receive(&mut self) -> Result<Message, Error> {
        match self {
            Self::Pipes => read_message(unbuffered_stdin()?),
            Self::Log { program: Some(program), .. } => {
                let mut parts = fs::read_dir(program)
                    .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
                    .during("find the program")?;
                // A volume's own entries begin with dots.
                parts.retain(|part| part.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
                parts.sort();
                let parts = parts.iter().map(fs::read).collect::<io::Result<Vec<_>>>().during("read the program")?;
                read_message(parts.concat().as_slice()).map_err(|_| MalformedMessage.into())
            }
            Self::Log { program: None, expires, replay, .. } => {
                let left = expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
                if !is_readable_within(left).during("wait for the program")? {
                    return Err(Error::ChannelClosed);
                }
                let message = read_message(unbuffered_stdin()?)?;
                // Whoever sends the first has not heard what was said before.
                if replay.is_awaited() {
                    self.repeat().map_err(|_| Error::ChannelClosed)?;
                }
                Ok(message)
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

/// What is read of it here must not be more than is asked for: others wait for the rest.
fn unbuffered_stdin() -> Result<File, Error> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from).during("read the channel")
}

/// Whether something can be read from standard input, before this time is up or a kubelet wants the end.
fn is_readable_within(time: Option<Duration>) -> io::Result<bool> {
    let ends = SigSet::from(Signal::SIGTERM);
    ends.thread_block()?;
    let signals = SignalFd::new(&ends)?;
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
    let timeout =
        time.map(|time| Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() });
    poll(&mut fds, timeout.as_ref())?;
    // A process that is started later would have it blocked.
    ends.thread_unblock()?;
    Ok(fds[0].revents().contains(PollFlags::IN))
}

fn read_message(mut input: impl Read) -> Result<Message, Error> {
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(|_| Error::ChannelClosed)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_MESSAGE {
        return Err(MalformedMessage.into());
    }
    let mut body = vec![0; length as usize];
    input.read_exact(&mut body).map_err(|_| Error::ChannelClosed)?;
    Ok(decode_message(&body)?)
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

/// Writes all of it at once: the standard library would write once for each line.
fn say(mut bytes: &[u8]) -> io::Result<()> {
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

/// Bytes that have come.
fn hear(stdin: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes = [0; 64];
    Ok(rustix::io::read(stdin, &mut bytes)?)
}
