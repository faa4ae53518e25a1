//! The channel to the sidecar. Messages and the program come in; frames go out on standard output.

use crate::{
    container_log::{ATTACH_TIMEOUT, ContainerLog},
    error::{Context, Error},
    options::Options,
    stdio,
};
use cofferdam_protocol::{Frame, MalformedMessage, Message, decode_message, encode};
use std::{
    fs,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

/// Longest message in bytes: the largest program that the contract allows, and some.
const MAX_MESSAGE: u32 = 64 << 20;
/// Most bytes that are written at once. A frame may be longer.
const MAX_WRITE: usize = 96 << 10;

/// The channel to the sidecar.
#[derive(Debug)]
pub(crate) enum Channel {
    /// Messages come over standard input, frames go to standard output. The end of standard input cancels the
    /// program.
    Pipes,
    /// The program is in a volume, frames go to the container's log.
    LogAndVolume {
        log: ContainerLog,
        /// The folder that contains the message, split into files.
        folder: PathBuf,
    },
    /// Messages come over standard input, frames go to the container's log.
    LogAndStdin {
        log: ContainerLog,
        /// The runner waits for no message after this time.
        expires: Option<SystemTime>,
    },
}

/// An instruction of the sidecar while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Kill the program.
    Cancel,
    /// The input has ended, and the program continues.
    Detached,
    /// The program continues.
    Continue,
}

impl Channel {
    /// Opens the channel that the options describe.
    pub(crate) fn open(options: &Options) -> Self {
        match &options.program {
            Some(folder) => Self::LogAndVolume { log: ContainerLog::open(), folder: folder.clone() },
            None if options.log => Self::LogAndStdin { log: ContainerLog::open(), expires: options.expires },
            None => Self::Pipes,
        }
    }

    /// How long to wait before output is sent, if at all.
    pub(crate) fn throttle(&self) -> Option<Duration> {
        match self {
            Self::Pipes => None,
            Self::LogAndVolume { log, .. } | Self::LogAndStdin { log, .. } => log.throttle(MAX_WRITE),
        }
    }

    /// Sends one frame, after the delay that [`throttle`](Self::throttle) returns.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        for bytes in encode(frame).chunks(MAX_WRITE) {
            if let Some(delay) = self.throttle() {
                thread::sleep(delay);
            }
            match self.log() {
                Some(log) => log.write(bytes),
                None => stdio::write_all(bytes),
            }
            .map_err(|_| Error::ChannelClosed)?;
        }
        Ok(())
    }

    /// Waits, after the last frame, for a reader that attaches late, and replays the log to it.
    pub(crate) fn wait_for_late_reader(&mut self) -> Result<(), Error> {
        const STEP: &str = "wait for a reader";
        let Some(log) = self.log().filter(|log| log.is_replay_pending()) else { return Ok(()) };
        let is_readable = stdio::wait_until_readable(Some(ATTACH_TIMEOUT)).context(STEP)?;
        if is_readable && stdio::discard(io::stdin().as_fd()).is_ok_and(|length| length > 0) {
            log.replay().context(STEP)?;
        }
        Ok(())
    }

    /// Waits for the next message.
    pub(crate) fn receive(&mut self) -> Result<Message, Error> {
        match self {
            Self::Pipes => read_message_from_stdin(),
            Self::LogAndVolume { folder, .. } => read_message_from_folder(folder),
            Self::LogAndStdin { log, expires } => {
                let timeout =
                    expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
                if !stdio::wait_until_readable(timeout).context("wait for the program")? {
                    return Err(Error::ChannelClosed);
                }
                let message = read_message_from_stdin()?;
                // A client that sends its first message has not seen the log before it.
                if log.is_replay_pending() {
                    log.replay().map_err(|_| Error::ChannelClosed)?;
                }
                Ok(message)
            }
        }
    }

    /// The sidecar's input. Once it is readable, call [`on_input`](Self::on_input).
    pub(crate) fn input(&self) -> io::Result<OwnedFd> {
        stdio::unbuffered_stdin().map(OwnedFd::from)
    }

    /// Handles readable input while the program runs. On a log, every byte requests a replay.
    pub(crate) fn on_input(&mut self, input: &OwnedFd) -> Result<Control, Error> {
        let received = stdio::discard(input.as_fd());
        match self.log() {
            None => match received.context("read the channel")? {
                0 => Ok(Control::Cancel),
                _ => Ok(Control::Continue),
            },
            Some(log) => match received {
                // A reader of a log may detach, or its connection may break.
                Ok(0) | Err(_) => Ok(Control::Detached),
                Ok(_) => {
                    log.replay().map_err(|_| Error::ChannelClosed)?;
                    Ok(Control::Continue)
                }
            },
        }
    }

    fn log(&mut self) -> Option<&mut ContainerLog> {
        match self {
            Self::Pipes => None,
            Self::LogAndVolume { log, .. } | Self::LogAndStdin { log, .. } => Some(log),
        }
    }
}

fn read_message_from_stdin() -> Result<Message, Error> {
    read_message(stdio::unbuffered_stdin().context("read the channel")?)
}

/// Reads the message that is split into the files of `folder`, in the order of their names.
fn read_message_from_folder(folder: &Path) -> Result<Message, Error> {
    let mut parts = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .context("list the program's volume")?;
    // Kubernetes' own entries in a volume begin with dots.
    parts.retain(|part| part.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
    parts.sort();
    let parts = parts.iter().map(fs::read).collect::<io::Result<Vec<_>>>().context("read the program")?;
    read_message(parts.concat().as_slice()).map_err(|_| MalformedMessage.into())
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
