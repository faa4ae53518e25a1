//! One output stream, held to its limit.

use super::Corrupt;
use cofferdam_types::Capture;

/// Assembles the bytes of one stream.
#[derive(Debug)]
pub(super) struct StreamCollector {
    bound: usize,
    /// The first bytes, up to the bound.
    bytes: Vec<u8>,
    /// Whether there is more than these.
    cut: bool,
    /// The last of what came after them.
    tail: Vec<u8>,
    /// All that the program wrote; unknown if its sandbox died before it said so.
    total: Option<u64>,
}

impl StreamCollector {
    pub(super) fn new(bound: u64) -> Self {
        let bound = usize::try_from(bound).unwrap_or(usize::MAX);
        Self { bound, bytes: Vec::new(), cut: false, tail: Vec::new(), total: None }
    }

    /// Takes the next bytes and gives those of them that are kept.
    pub(super) fn output(&mut self, bytes: &[u8]) -> Result<&[u8], Corrupt> {
        if bytes.is_empty() {
            return Err(Corrupt("a frame of output is empty"));
        }
        if self.cut {
            return Err(Corrupt("output goes on after it was cut"));
        }
        let length_before = self.bytes.len();
        let room = self.bound.saturating_sub(length_before);
        self.cut = bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        Ok(&self.bytes[length_before..])
    }

    /// What follows is held back by the runner.
    pub(super) fn cut(&mut self) -> Result<(), Corrupt> {
        if std::mem::replace(&mut self.cut, true) { Err(Corrupt("output is cut twice")) } else { Ok(()) }
    }

    /// Takes the end of a stream that was cut.
    pub(super) fn tail(&mut self, total: u64, bytes: Vec<u8>) -> Result<(), Corrupt> {
        if !self.cut || self.total.is_some() || bytes.len() > self.bound / 2 {
            return Err(Corrupt("the tail of the output is one too many or too long"));
        }
        (self.tail, self.total) = (bytes, Some(total));
        Ok(())
    }

    pub(super) fn finish(mut self) -> Capture {
        let received = (self.bytes.len() + self.tail.len()) as u64;
        if !self.cut {
            return Capture { length: received, bytes: self.bytes, cut: None };
        }
        // Half of the bound is head; the rest of it holds the last bytes there are.
        let head = (self.bound - self.bound / 2).min(self.bytes.len());
        let mut rest = self.bytes.split_off(head);
        rest.append(&mut self.tail);
        let kept = rest.split_off(rest.len().saturating_sub(self.bound / 2));
        self.bytes.extend(kept);
        let length = self.total.unwrap_or(received).max(self.bytes.len() as u64);
        Capture { bytes: self.bytes, length, cut: Some(head as u64) }
    }
}
