//! A part of the output of an execution.

use crate::{mcp::utf8::incomplete_length, sessions::execution_to_json};
use cofferdam_core::{
    Stream,
    session::{OutputEvent, SessionExecution},
};
use cofferdam_http_api::{
    Bytes,
    session::{self, StreamName},
};
use cofferdam_types::Error;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

/// Output of an execution from a position on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutputPart {
    /// The execution. It has an `end` if it has ended.
    pub(super) execution: session::SessionExecution,
    /// Bytes of standard output.
    pub(super) stdout: Bytes,
    /// Bytes of standard error.
    pub(super) stderr: Bytes,
    /// Bytes before these that are not kept any longer.
    pub(super) missing: u64,
    /// The streams whose limit is reached: no more of them follows.
    pub(super) truncated: Vec<StreamName>,
    /// The position of the output that follows.
    pub(super) next_position: u64,
    /// Whether the execution has ended and no output follows.
    pub(super) complete: bool,
}

/// Reads at most `max` bytes from a position on, and waits for their last one or for the end of the execution, at most
/// this time.
pub(super) async fn read(
    execution: &SessionExecution,
    position: u64,
    wait: Duration,
    max: usize,
) -> Result<OutputPart, Error> {
    let (mut reader, deadline) = (execution.output(position), Instant::now() + wait);
    let mut part = Collected::new(position, max);
    while part.room() > 0 {
        // What is there already is read also after the deadline.
        match timeout_at(deadline, reader.next()).await {
            Ok(Some(event)) => part.add(event)?,
            Ok(None) | Err(_) => break,
        }
    }
    Ok(part.finish(execution))
}

struct Collected {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The stream of the last bytes.
    last: Option<Stream>,
    missing: u64,
    truncated: Vec<StreamName>,
    next_position: u64,
    has_ended: bool,
    max: usize,
}

impl Collected {
    fn new(position: u64, max: usize) -> Self {
        Self {
            stdout: Vec::new(),
            stderr: Vec::new(),
            last: None,
            missing: 0,
            truncated: Vec::new(),
            next_position: position,
            has_ended: false,
            max,
        }
    }

    fn length(&self) -> usize {
        self.stdout.len() + self.stderr.len()
    }

    fn room(&self) -> usize {
        self.max.saturating_sub(self.length())
    }

    /// Adds an event. The error of an execution without an end is returned after its output, if there is any.
    fn add(&mut self, event: OutputEvent) -> Result<(), Error> {
        match event {
            OutputEvent::Output { stream, bytes, .. } => {
                let taken = bytes.get(..self.room()).unwrap_or(&bytes);
                self.stream(stream).extend_from_slice(taken);
                self.next_position += taken.len() as u64;
                self.last = Some(stream);
            }
            OutputEvent::Gap { bytes } if self.length() == 0 => {
                self.missing += bytes;
                self.next_position += bytes;
            }
            // It was overtaken: the next call tells what is missing.
            OutputEvent::Gap { .. } => self.max = 0,
            OutputEvent::Truncated { stream } => self.truncated.push(match stream {
                Stream::Stdout => StreamName::Stdout,
                Stream::Stderr => StreamName::Stderr,
            }),
            OutputEvent::End(Ok(_)) => self.has_ended = true,
            OutputEvent::End(Err(error)) if self.length() == 0 => return Err(error),
            OutputEvent::End(Err(_)) => {}
        }
        Ok(())
    }

    fn stream(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Leaves the beginning of a character to the next call, unless there is nothing else.
    fn finish(mut self, execution: &SessionExecution) -> OutputPart {
        if let Some(stream) = self.last.filter(|_| !self.has_ended) {
            let (length, bytes) = (self.length(), self.stream(stream));
            let incomplete = incomplete_length(bytes);
            if incomplete < length {
                bytes.truncate(bytes.len() - incomplete);
                self.next_position -= incomplete as u64;
            }
        }
        OutputPart {
            execution: execution_to_json(execution.info()),
            stdout: Bytes(self.stdout),
            stderr: Bytes(self.stderr),
            missing: self.missing,
            truncated: self.truncated,
            next_position: self.next_position,
            complete: self.has_ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::ErrorCode;

    fn output(stream: Stream, bytes: &[u8]) -> OutputEvent {
        OutputEvent::Output { position: 0, stream, bytes: bytes.to_vec().into() }
    }

    #[test]
    fn no_more_than_the_maximum_is_taken() {
        let mut part = Collected::new(7, 5);
        part.add(output(Stream::Stdout, b"abc")).expect("room");
        part.add(output(Stream::Stderr, b"defg")).expect("room");
        assert_eq!((&*part.stdout, &*part.stderr), (&b"abc"[..], &b"de"[..]));
        assert_eq!((part.next_position, part.room()), (12, 0));
    }

    #[test]
    fn missing_bytes_are_counted_before_others_only() {
        let mut part = Collected::new(0, 5);
        part.add(OutputEvent::Gap { bytes: 9 }).expect("a gap");
        part.add(output(Stream::Stdout, b"a")).expect("room");
        part.add(OutputEvent::Gap { bytes: 3 }).expect("a gap");
        assert_eq!((part.missing, part.next_position, part.room()), (9, 10, 0));
    }

    #[test]
    fn the_error_of_an_execution_comes_after_its_output() {
        let lost = || OutputEvent::End(Err(Error::new(ErrorCode::Gone, "lost")));
        let mut part = Collected::new(0, 5);
        part.add(output(Stream::Stdout, b"a")).expect("room");
        assert_eq!(part.add(lost()), Ok(()));
        assert!(!part.has_ended && Collected::new(1, 5).add(lost()).is_err());
    }
}
