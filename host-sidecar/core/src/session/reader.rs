//! Readers of the output of an execution.

use super::{ExecutionEnd, channel::Channel, output::AtPosition};
use bytes::Bytes;
use cofferdam_protocol::Stream;
use cofferdam_types::Error;
use std::sync::Arc;
use tokio::sync::watch;

/// Reads the output of an execution at its own pace.
#[derive(Debug)]
pub struct OutputReader {
    channel: Arc<Channel>,
    changes: watch::Receiver<()>,
    position: u64,
    /// The streams whose truncation it has not been told.
    untold: Vec<Stream>,
    has_ended: bool,
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputEvent {
    /// Bytes that the program wrote.
    Output {
        /// The position of the first of them.
        position: u64,
        /// Where it wrote them.
        stream: Stream,
        /// At least one, at most 64 KiB.
        bytes: Bytes,
    },
    /// So many bytes at the reader's position are not kept any more.
    Gap {
        /// Their number.
        bytes: u64,
    },
    /// The stream has reached its limit. The bytes after it are not delivered; the report has the last of them.
    Truncated {
        /// The stream.
        stream: Stream,
    },
    /// The execution has ended, or its session. The last event.
    End(Result<ExecutionEnd, Error>),
}

impl OutputReader {
    pub(super) fn new(channel: Arc<Channel>, position: u64) -> Self {
        let (changes, untold) = (channel.changes(), vec![Stream::Stderr, Stream::Stdout]);
        Self { channel, changes, position, untold, has_ended: false }
    }

    /// Waits for the next event; none after [`OutputEvent::End`]. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<OutputEvent> {
        while !self.has_ended {
            self.changes.mark_unchanged();
            if let Some(event) = self.event() {
                return Some(event);
            }
            // The sender lives as long as the channel.
            let _ = self.changes.changed().await;
        }
        None
    }

    /// The position of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    fn event(&mut self) -> Option<OutputEvent> {
        // Before the output: what comes between the two is read first.
        let end = self.channel.end();
        let truncated = self.untold.iter().position(|stream| self.channel.is_truncated(*stream));
        match self.channel.read(self.position) {
            AtPosition::Bytes(stream, bytes) => {
                let position = self.position;
                self.position += bytes.len() as u64;
                return Some(OutputEvent::Output { position, stream, bytes: bytes.into() });
            }
            AtPosition::Gap(bytes) => {
                self.position += bytes;
                return Some(OutputEvent::Gap { bytes });
            }
            AtPosition::End => {}
        }
        if let Some(index) = truncated {
            return Some(OutputEvent::Truncated { stream: self.untold.remove(index) });
        }
        let (end, _) = end?;
        self.has_ended = true;
        Some(OutputEvent::End(end))
    }
}
