//! The runner's ends of the program's standard streams. They never block: the program can open the other end
//! again and take bytes that the runner is about to read.

use crate::{
    channel::Channel,
    error::{Context, Error},
    output_limiter::OutputLimiter,
};
use cofferdam_protocol::{Frame, Stream};
use rustix::io::ioctl_fionbio;
use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// A pipe to or from the program, `None` once it is closed.
type Pipe = Option<File>;

fn open(pipe: Option<impl Into<OwnedFd>>) -> Result<Pipe, Error> {
    let Some(pipe) = pipe else { return Ok(None) };
    let pipe = pipe.into();
    ioctl_fionbio(&pipe, true).context("connect the program's streams")?;
    Ok(Some(pipe.into()))
}

/// The program's standard input.
#[derive(Debug)]
pub(super) struct InputPipe<'a> {
    pipe: Pipe,
    /// Bytes that the program has not received.
    remaining: &'a [u8],
}

impl<'a> InputPipe<'a> {
    pub(super) fn open(pipe: Option<impl Into<OwnedFd>>, bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self { pipe: open(pipe)?, remaining: bytes })
    }

    /// The file descriptor to poll, unless the pipe is closed.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn close(&mut self) {
        self.pipe = None;
    }

    /// Writes as many bytes as fit into the pipe. Closes it after the last one, or if the program has closed
    /// it.
    pub(super) fn write_available(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.write(self.remaining) {
            Ok(length) if length < self.remaining.len() => self.remaining = &self.remaining[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => self.close(),
        }
    }
}

/// The program's standard output or standard error.
#[derive(Debug)]
pub(super) struct OutputPipe {
    pipe: Pipe,
    limiter: OutputLimiter,
}

impl OutputPipe {
    pub(super) fn open(pipe: Option<impl Into<OwnedFd>>, stream: Stream, limit: u64) -> Result<Self, Error> {
        Ok(Self { pipe: open(pipe)?, limiter: OutputLimiter::new(stream, limit) })
    }

    /// The file descriptor to poll, unless the pipe is closed.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pipe.is_none()
    }

    /// Bytes of memory that the runner uses for this stream.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.limiter.memory_bytes()
    }

    /// Reads once into `buffer` and sends the bytes. Returns whether there were any.
    pub(super) fn forward(&mut self, channel: &mut Channel, buffer: &mut [u8]) -> Result<bool, Error> {
        let Some(pipe) = &mut self.pipe else { return Ok(false) };
        let length = match pipe.read(buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("read the program's output"),
        };
        if length == 0 {
            self.pipe = None;
        }
        for frame in self.limiter.push(&buffer[..length]) {
            channel.send(&frame)?;
        }
        Ok(length > 0)
    }

    /// Returns the frame to send after all output.
    pub(super) fn finish(self) -> Option<Frame> {
        self.limiter.finish()
    }
}
