//! A container's log as the output of the runner. A reader may attach to it at any time.

use crate::{replay_buffer::ReplayBuffer, stdio};
use cofferdam_protocol::LogEncoder;
use std::{
    io,
    time::{Duration, Instant},
};

/// Bytes that a log may have before a reader attaches. A kubelet rotates a log that is longer than 10 MiB,
/// and serves only the part after that.
const MAX_UNREAD_BYTES: usize = 8 << 20;
/// How long the runner waits for a reader to attach.
pub(crate) const ATTACH_TIMEOUT: Duration = Duration::from_secs(5);

/// The container's log.
#[derive(Debug)]
pub(crate) struct ContainerLog {
    encoder: LogEncoder,
    /// Bytes that were written to the log.
    length: usize,
    replay: ReplayBuffer,
    opened: Instant,
}

impl ContainerLog {
    /// Opens standard output as a log.
    pub(crate) fn open() -> Self {
        Self {
            encoder: LogEncoder::default(),
            length: 0,
            replay: ReplayBuffer::new(),
            opened: Instant::now(),
        }
    }

    /// How long to wait before `length` more bytes are written, if at all. A log up to [`MAX_UNREAD_BYTES`]
    /// gives a reader time to attach.
    pub(crate) fn throttle(&self, length: usize) -> Option<Duration> {
        if self.length + length <= MAX_UNREAD_BYTES {
            return None;
        }
        ATTACH_TIMEOUT.checked_sub(self.opened.elapsed()).filter(|left| !left.is_zero())
    }

    /// Writes bytes of the channel to the log.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let lines = self.encode(bytes);
        stdio::write_all(lines.as_bytes())
    }

    /// The lines of bytes of the channel, which the caller writes.
    pub(crate) fn encode(&mut self, bytes: &[u8]) -> String {
        let lines = self.encoder.encode(bytes);
        self.length += lines.len();
        self.replay.push(&lines);
        lines
    }

    /// Writes the whole log again, for a reader that has attached.
    pub(crate) fn replay(&mut self) -> io::Result<()> {
        let lines = self.replay.replay();
        self.length += lines.len();
        stdio::write_all(lines.as_bytes())
    }

    /// Whether the log can be replayed and has not been.
    pub(crate) fn is_replay_pending(&self) -> bool {
        self.replay.is_pending()
    }
}
