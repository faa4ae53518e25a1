//! The channel to the sidecar: the program comes in on standard input, frames go out on standard output.

use crate::error::{During, Error};
use cofferdam_protocol::{Frame, Program, decode_program, encode};
use std::io::{self, Read, Write};

/// Longest program that is read: the contract's inputs, and some.
const MAX_PROGRAM: u32 = 64 << 20;

/// The sidecar's end of the run.
#[derive(Debug)]
pub(crate) struct Channel {
    input: io::Stdin,
    output: io::Stdout,
}

impl Default for Channel {
    fn default() -> Self {
        Self { input: io::stdin(), output: io::stdout() }
    }
}

impl Channel {
    /// Sends one frame, at once.
    pub(crate) fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        let mut output = self.output.lock();
        output.write_all(&encode(frame)).and_then(|()| output.flush()).map_err(|_| Error::ChannelClosed)
    }

    /// Waits for the program.
    pub(crate) fn receive_program(&mut self) -> Result<Program, Error> {
        let mut input = self.input.lock();
        let mut length = [0; 4];
        input.read_exact(&mut length).map_err(|_| Error::ChannelClosed)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_PROGRAM {
            return Err(cofferdam_protocol::MalformedProgram.into());
        }
        let mut body = vec![0; length as usize];
        input.read_exact(&mut body).map_err(|_| Error::ChannelClosed)?;
        Ok(decode_program(&body)?)
    }

    /// What becomes readable when the sidecar closes the channel.
    pub(crate) fn lifeline(&self) -> io::Result<std::os::fd::OwnedFd> {
        use std::os::fd::AsFd;
        self.input.as_fd().try_clone_to_owned()
    }
}

/// Whether the sidecar has closed the channel; call when [`Channel::lifeline`] is readable.
pub(crate) fn is_closed(lifeline: &std::os::fd::OwnedFd) -> Result<bool, Error> {
    let mut byte = [0];
    Ok(rustix::io::read(lifeline, &mut byte).during("read the channel")? == 0)
}
