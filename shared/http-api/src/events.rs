//! A decoder of server-sent events. Pure.

use alloc::vec::Vec;

/// Splits a stream into the data of its events. Event names are ignored, since the data holds them too.
#[derive(Debug, Default)]
pub struct EventDecoder {
    /// The bytes of the stream that are buffered.
    buffer: Vec<u8>,
    /// Length of the lines at the start of `buffer` that have been read. `push` removes them all at once.
    /// Removing each line would move the rest of the buffer every time.
    read: usize,
    /// Length of the start of `buffer` that has been searched for line ends.
    searched: usize,
    /// The data of the incomplete event.
    data: Vec<u8>,
    gaps: usize,
}

impl EventDecoder {
    /// Appends the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.searched -= self.read;
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Number of comments with which the sidecar reported dropped events.
    #[must_use]
    pub fn gaps(&self) -> usize {
        self.gaps
    }

    /// Number of buffered bytes.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.read + self.data.len()
    }

    /// The data of the next event, if it is complete.
    pub fn next_event(&mut self) -> Option<Vec<u8>> {
        while let Some(length) = self.buffer.iter().skip(self.searched).position(|byte| *byte == b'\n') {
            let end = self.searched + length;
            let line = self.buffer.get(self.read..end).unwrap_or_default();
            self.read = end + 1;
            self.searched = self.read;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() && !self.data.is_empty() {
                return Some(core::mem::take(&mut self.data));
            }
            // A comment without text only keeps the connection alive.
            if line.strip_prefix(b":").is_some_and(|comment| !comment.trim_ascii().is_empty()) {
                self.gaps += 1;
            }
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            }
        }
        self.searched = self.buffer.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec};

    const STREAM: &str =
        "event: accepted\ndata: {\"a\":1}\n\n: missed\n\n:\n\ndata:2\r\n\r\ndata: 3\ndata: 4\n\ndata: cut\n";

    #[test]
    fn events_do_not_depend_on_how_the_stream_is_split() {
        for size in 1..=STREAM.len() {
            let (mut decoder, mut events) = (EventDecoder::default(), vec![]);
            for chunk in STREAM.as_bytes().chunks(size) {
                decoder.push(chunk);
                while let Some(data) = decoder.next_event() {
                    events.push(String::from_utf8(data).expect("text"));
                }
            }
            assert_eq!(events, [r#"{"a":1}"#, "2", "34"], "{size}");
            assert_eq!((decoder.buffered(), decoder.gaps()), ("cut".len(), 1));
        }
    }
}
