//! Server-sent events, as they come. Pure.

use alloc::vec::Vec;

/// Splits a stream into the data of its events; their names say nothing that the data does not.
#[derive(Debug, Default)]
pub struct Events {
    /// What has come.
    rest: Vec<u8>,
    /// How much of it was whole lines that have been read. It is let go of with the next bytes and not line by line, which
    /// would move all that follows for each of them.
    read: usize,
    /// How much of it is known to have no further line end.
    searched: usize,
    /// The data of the event that is not whole yet.
    data: Vec<u8>,
    gaps: usize,
}

impl Events {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.rest.drain(..self.read);
        self.searched -= self.read;
        self.read = 0;
        self.rest.extend_from_slice(bytes);
    }

    /// How often the sidecar has said that it had to leave events out.
    #[must_use]
    pub fn gaps(&self) -> usize {
        self.gaps
    }

    /// Bytes that are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.rest.len() - self.read + self.data.len()
    }

    /// The data of the next event, if it is whole.
    pub fn next_event(&mut self) -> Option<Vec<u8>> {
        while let Some(length) = self.rest.iter().skip(self.searched).position(|byte| *byte == b'\n') {
            let end = self.searched + length;
            let line = self.rest.get(self.read..end).unwrap_or_default();
            self.read = end + 1;
            self.searched = self.read;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() && !self.data.is_empty() {
                return Some(core::mem::take(&mut self.data));
            }
            // One without text only keeps the connection alive.
            if line.strip_prefix(b":").is_some_and(|comment| !comment.trim_ascii().is_empty()) {
                self.gaps += 1;
            }
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            }
        }
        self.searched = self.rest.len();
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
    fn the_same_events_come_of_a_stream_however_it_is_cut() {
        for size in 1..=STREAM.len() {
            let (mut events, mut told) = (Events::default(), vec![]);
            for piece in STREAM.as_bytes().chunks(size) {
                events.push(piece);
                while let Some(data) = events.next_event() {
                    told.push(String::from_utf8(data).expect("text"));
                }
            }
            assert_eq!(told, [r#"{"a":1}"#, "2", "34"], "{size}");
            assert_eq!((events.held(), events.gaps()), ("cut".len(), 1));
        }
    }
}
