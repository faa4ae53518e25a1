//! The channel to the sidecar: the program comes in, frames go out on standard output.

use crate::error::{During, Error};
use cofferdam_protocol::{Frame, LogEncoder, MalformedProgram, Program, decode_program, encode};
use std::{
    fs,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
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
        /// When the log began.
        opened: Instant,
    },
}

impl Channel {
    /// The channel of a runner whose program lies in this folder, or else comes in on standard input.
    pub(crate) fn open(program: Option<PathBuf>) -> Self {
        match program {
            Some(program) => Self::Log { program, encoder: LogEncoder::default(), length: 0, opened: Instant::now() },
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
            Self::Log { encoder, length, .. } => {
                let lines = encoder.encode(bytes);
                *length += lines.len();
                output.write_all(lines.as_bytes())?;
            }
        }
        output.flush()
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

    /// What becomes readable when the sidecar closes the channel, where it can.
    pub(crate) fn lifeline(&self) -> io::Result<Option<OwnedFd>> {
        match self {
            Self::Pipes => io::stdin().as_fd().try_clone_to_owned().map(Some),
            Self::Log { .. } => Ok(None),
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

/// Whether the sidecar has closed the channel; call when [`Channel::lifeline`] is readable.
pub(crate) fn is_closed(lifeline: &OwnedFd) -> Result<bool, Error> {
    let mut byte = [0];
    Ok(rustix::io::read(lifeline, &mut byte).during("read the channel")? == 0)
}
