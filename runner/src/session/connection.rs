//! The connection to the sidecar during a session, by a relay or the standard streams: messages as they come, and frames
//! on their way. Neither reading nor writing waits: the runner enforces limits and deadlines even if nobody reads.

use crate::{
    channel::Channel,
    error::{Context, Error},
    poll::Poll,
    relay::Endpoint,
};
use cofferdam_protocol::{Frame, Message, encode};
use rustix::{
    event::PollFlags,
    io::{Errno, ioctl_fionbio},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

/// Bytes that may wait before no more output of programs is read.
const MAX_WAITING: usize = 256 << 10;
/// Bytes of memory that are kept for the next frames.
const MAX_SPARE: usize = 512 << 10;

/// The channel to the sidecar, and the frames that were not written yet.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    channel: &'a mut Channel,
    input: OwnedFd,
    bytes: Vec<u8>,
    written: usize,
}

impl<'a> Connection<'a> {
    /// Uses the channel from now on.
    pub(super) fn open(channel: &'a mut Channel) -> Result<Self, Error> {
        const STEP: &str = "open the channel";
        ioctl_fionbio(io::stdout(), true).context(STEP)?;
        let input = channel.input().context(STEP)?;
        Ok(Self { channel, input, bytes: Vec::new(), written: 0 })
    }

    /// Whether the end of the connection is seen at once.
    pub(super) fn sees_its_end(&self) -> bool {
        self.channel.sees_its_end()
    }

    /// How many relays there are. Without a connection, the next one may wait for its secret.
    pub(super) fn relays(&self) -> u32 {
        self.channel.relay().map_or(0, |_| 1)
    }

    /// Adds what it waits for: messages, and room for frames on standard output if these go there.
    pub(super) fn add_to<'fd, T: Copy>(
        &'fd self,
        poll: &mut Poll<'fd, T>,
        (messages, frames): (T, T),
        stdout: BorrowedFd<'fd>,
    ) {
        if let Some(relay) = self.channel.relay() {
            relay.add_to(poll, messages);
            return;
        }
        poll.add(messages, Some(self.input.as_fd()), PollFlags::IN);
        poll.add(frames, Some(stdout).filter(|_| !self.is_empty()), PollFlags::OUT);
    }

    /// Reads once what the sidecar has sent. Returns false at the end of the session. A relay may come back.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<bool, Error> {
        if let Some((relay, decoder)) = self.channel.relay_mut() {
            return relay.receive(buffer, |bytes| decoder.push(bytes)).map(|()| true);
        }
        match rustix::io::read(&self.input, &mut *buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => self.channel.push(&buffer[..length]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return Ok(false),
        }
        Ok(true)
    }

    /// The next message that was read, with its channel.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Message)>, Error> {
        self.channel.next_available()
    }

    /// Adds a frame.
    pub(super) fn push(&mut self, channel: u32, frame: &Frame) -> Result<(), Error> {
        if let Some((relay, _)) = self.channel.relay_mut() {
            relay.push(&encode(channel, frame)?);
            return Ok(());
        }
        self.bytes = self.channel.append(std::mem::take(&mut self.bytes), channel, frame)?;
        Ok(())
    }

    /// Writes what can be written now.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if let Some((relay, _)) = self.channel.relay_mut() {
            return relay.flush();
        }
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match rustix::io::write(io::stdout(), rest) {
                Ok(length) => self.written += length,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.bytes.drain(..self.written);
                    self.written = 0;
                    return Ok(());
                }
                Err(_) => return Err(Error::ChannelClosed),
            }
        }
        self.written = 0;
        self.bytes.clear();
        self.bytes.shrink_to(MAX_SPARE);
        Ok(())
    }

    /// Writes everything, and makes standard output what it was. Fails if nobody reads for so long.
    pub(super) fn close(mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        loop {
            self.flush()?;
            if self.is_empty() {
                return ioctl_fionbio(io::stdout(), false).map_err(|_| Error::ChannelClosed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::ChannelClosed);
            }
            let stdout = io::stdout();
            let mut poll = Poll::new();
            poll.add((), Some(stdout.as_fd()), PollFlags::OUT);
            poll.wait(Some(left)).map_err(|_| Error::ChannelClosed)?;
        }
    }

    /// Whether every frame was written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == self.written
    }

    /// Whether more output of programs may be added.
    pub(super) fn has_room(&self) -> bool {
        match self.channel.relay() {
            Some(relay) => relay.has_room(),
            None => self.bytes.len() - self.written < MAX_WAITING,
        }
    }

    /// Bytes of memory in use.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.bytes.capacity() as u64 + self.channel.relay().map_or(0, Endpoint::memory_bytes)
    }
}
