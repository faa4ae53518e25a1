//! Readers of the output of an execution.

use super::ExecutionEnd;
use bytes::Bytes;
use cofferdam_protocol::Stream;
use cofferdam_types::Error;

/// Reads the output of an execution at its own pace.
#[derive(Debug)]
pub struct OutputReader(());

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
    /// Waits for the next event; none after [`OutputEvent::End`]. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<OutputEvent> {
        unimplemented!()
    }

    /// The position of the next byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        unimplemented!()
    }
}
