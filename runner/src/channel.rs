//! The channel to the sidecar: the program comes in, frames go out on standard output.

use crate::error::{During, Error};
use cofferdam_protocol::{Frame, LogEncoder, MalformedProgram, Program, decode_program, encode};
use std::{
    fs,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

/// Longest program that is read: the contract's inputs, and some.
const MAX_PROGRAM: u32 = 64 << 20;

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
    },
}

impl Channel {
    /// The channel of a runner whose program lies in this folder, or else comes in on standard input.
    pub(crate) fn open(program: Option<PathBuf>) -> Self {
        match program {
            Some(program) => Self::Log { program, encoder: LogEncoder::default() },
            None => Self::Pipes,
        }
    }

    /// Sends one frame, at once.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        let mut bytes = encode(frame);
        if let Self::Log { encoder, .. } = self {
            bytes = encoder.encode(&bytes).into_bytes();
        }
        let mut output = io::stdout().lock();
        output.write_all(&bytes).and_then(|()| output.flush()).map_err(|_| Error::ChannelClosed)
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
