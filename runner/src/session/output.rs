//! An output stream of an execution.

use super::launch::retry;
use crate::output_limiter::OutputLimiter;
use cofferdam_protocol::{Frame, Stream};
use rustix::io::{Errno, ioctl_fionread};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd},
};

/// Bytes that a terminal may hold beside those that it reports.
const MAX_TERMINAL_BYTES: u64 = 256 << 10;

/// The runner's end of an output stream. It never blocks.
#[derive(Debug)]
pub(super) struct Output {
    /// None once it is closed.
    pipe: Option<File>,
    stream: Stream,
    is_terminal: bool,
    limiter: Option<OutputLimiter>,
    /// Bytes that are still to be sent, once what is written later does not count.
    left: Option<u64>,
}

impl Output {
    /// Creates an output stream, of which `limit` bytes are sent completely.
    pub(super) fn new(pipe: Option<File>, stream: Stream, is_terminal: bool, limit: Option<u64>) -> Self {
        let limiter = limit.map(|limit| OutputLimiter::new(stream, limit));
        Self { pipe, stream, is_terminal, limiter, left: None }
    }

    /// The descriptor to poll, if a read would be of use with this credit.
    pub(super) fn fd(&self, credit: u32) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| self.may_read(credit)).map(AsFd::as_fd)
    }

    /// Whether nothing is left to send.
    pub(super) fn has_ended(&self) -> bool {
        self.pipe.is_none() || self.left == Some(0)
    }

    /// What is written from now on does not count.
    pub(super) fn end(&mut self) {
        if self.left.is_none() {
            let available = self.pipe.as_ref().and_then(|pipe| ioctl_fionread(pipe).ok()).unwrap_or_default();
            self.left = Some(if self.is_terminal { available + MAX_TERMINAL_BYTES } else { available });
        }
    }

    /// Reads once, as much as the credit allows, and takes that from the credit. Returns the frames to send, none if
    /// nothing can be read now.
    pub(super) fn read(&mut self, buffer: &mut [u8], credit: &mut u32) -> io::Result<Option<Vec<Frame>>> {
        if self.left == Some(0) || !self.may_read(*credit) {
            return Ok(None);
        }
        let allowed = if self.is_truncated() { usize::MAX } else { *credit as usize };
        let wanted = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let length = buffer.len().min(allowed).min(wanted);
        let Some(pipe) = &mut self.pipe else { return Ok(None) };
        let length = match retry(|| pipe.read(&mut buffer[..length])) {
            Ok(None) => {
                self.left = self.left.and(Some(0));
                return Ok(None);
            }
            // A terminal that no process has open any more.
            Err(error) if self.is_terminal && error.raw_os_error() == Some(Errno::IO.raw_os_error()) => 0,
            length => length?.unwrap_or_default(),
        };
        if length == 0 {
            self.pipe = None;
        }
        self.left = self.left.map(|left| left.saturating_sub(length as u64));
        let bytes = &buffer[..length];
        let frames: Vec<Frame> = match &mut self.limiter {
            Some(limiter) => limiter.push(bytes).collect(),
            None if bytes.is_empty() => Vec::new(),
            None => vec![Frame::Output(self.stream, bytes.to_vec())],
        };
        *credit = credit.saturating_sub(frames.iter().map(sent_bytes).sum());
        Ok(Some(frames))
    }

    /// Reads and discards what processes that were left behind write.
    pub(super) fn discard(&mut self, buffer: &mut [u8]) {
        let Some(pipe) = &mut self.pipe else { return };
        if !matches!(retry(|| pipe.read(buffer)), Ok(None) | Ok(Some(1..))) {
            self.pipe = None;
        }
    }

    /// The descriptor to poll while output is discarded.
    pub(super) fn discarded_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Returns the frame to send after all output.
    pub(super) fn finish(&mut self) -> Option<Frame> {
        self.limiter.take()?.finish()
    }

    /// Bytes of memory in use.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.limiter.as_ref().map_or(0, OutputLimiter::memory_bytes)
    }

    fn may_read(&self, credit: u32) -> bool {
        credit > 0 || self.is_truncated()
    }

    /// Whether further output needs no credit, since it is not sent.
    fn is_truncated(&self) -> bool {
        self.limiter.as_ref().is_some_and(OutputLimiter::is_truncated)
    }
}

/// Bytes for which the sidecar has given credit.
fn sent_bytes(frame: &Frame) -> u32 {
    match frame {
        Frame::Output(_, bytes) => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::ioctl_fionbio;
    use std::{
        io::{PipeWriter, Write},
        os::fd::OwnedFd,
    };

    fn output(limit: Option<u64>) -> (PipeWriter, Output) {
        let (reader, writer) = io::pipe().expect("a pipe");
        ioctl_fionbio(&reader, true).expect("a pipe that does not block");
        (writer, Output::new(Some(OwnedFd::from(reader).into()), Stream::Stdout, false, limit))
    }

    fn read(output: &mut Output, credit: &mut u32) -> Option<Vec<Frame>> {
        output.read(&mut [0; 64], credit).expect("a read")
    }

    fn bytes(bytes: &[u8]) -> Option<Vec<Frame>> {
        Some(vec![Frame::Output(Stream::Stdout, bytes.to_vec())])
    }

    #[test]
    fn only_as_much_is_read_as_there_is_credit() {
        let (mut writer, mut output) = output(None);
        writer.write_all(b"abcdef").expect("room");
        let mut credit = 4;
        assert_eq!(read(&mut output, &mut credit), bytes(b"abcd"));
        assert_eq!((credit, output.fd(credit).is_none(), read(&mut output, &mut credit)), (0, true, None));
        credit += 9;
        assert_eq!((read(&mut output, &mut credit), credit), (bytes(b"ef"), 7));
        assert_eq!(read(&mut output, &mut credit), None);
        drop(writer);
        assert_eq!((read(&mut output, &mut credit), output.has_ended()), (Some(vec![]), true));
    }

    #[test]
    fn truncated_output_needs_no_credit() {
        let (mut writer, mut output) = output(Some(2));
        writer.write_all(b"abcd").expect("room");
        let mut credit = 2;
        assert_eq!((read(&mut output, &mut credit), credit), (bytes(b"ab"), 0));
        assert_eq!(read(&mut output, &mut credit), Some(vec![Frame::Truncated(Stream::Stdout)]));
        assert_eq!(output.finish(), Some(Frame::Tail(Stream::Stdout, 4, b"d".to_vec())));
    }

    #[test]
    fn what_is_written_after_the_end_does_not_count() {
        let (mut writer, mut output) = output(None);
        writer.write_all(b"ab").expect("room");
        output.end();
        writer.write_all(b"cd").expect("room");
        let mut credit = 9;
        assert_eq!((read(&mut output, &mut credit), output.has_ended()), (bytes(b"ab"), true));
        assert_eq!(read(&mut output, &mut credit), None);
        output.discard(&mut [0; 64]);
        assert!(output.discarded_fd().is_some());
    }

    #[test]
    fn an_empty_pipe_has_ended_without_credit() {
        let (_writer, mut output) = output(None);
        assert!(!output.has_ended());
        output.end();
        assert!(output.has_ended());
    }
}
