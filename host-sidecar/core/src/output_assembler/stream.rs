//! Assembles one output stream within its limit.

use super::corrupt::Corrupt;
use cofferdam_types::Capture;

/// Assembles the bytes of one stream.
#[derive(Debug)]
pub(crate) struct StreamAssembler {
    limit: usize,
    /// The first bytes, up to the limit.
    bytes: Vec<u8>,
    /// Whether the program wrote more.
    truncated: bool,
    /// The last bytes of the rest.
    tail: Vec<u8>,
    /// Number of bytes that the program wrote; none if the sandbox died before it reported the number.
    total: Option<u64>,
}

impl StreamAssembler {
    pub(crate) fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { limit, bytes: Vec::new(), truncated: false, tail: Vec::new(), total: None }
    }

    /// Accepts the next bytes and returns those within the limit.
    pub(crate) fn output(&mut self, bytes: &[u8]) -> Result<&[u8], Corrupt> {
        if bytes.is_empty() {
            return Err(Corrupt("it sent an empty frame of output"));
        }
        if self.truncated {
            return Err(Corrupt("it sent output after reporting its truncation"));
        }
        let length_before = self.bytes.len();
        let remaining = self.limit.saturating_sub(length_before);
        self.truncated = bytes.len() > remaining;
        self.bytes.extend_from_slice(&bytes[..remaining.min(bytes.len())]);
        Ok(&self.bytes[length_before..])
    }

    /// The runner withholds the output that follows.
    pub(crate) fn truncate(&mut self) -> Result<(), Corrupt> {
        if std::mem::replace(&mut self.truncated, true) {
            Err(Corrupt("it reported the truncation of a stream twice"))
        } else {
            Ok(())
        }
    }

    /// Accepts the tail of a truncated stream.
    pub(crate) fn tail(&mut self, total: u64, bytes: Vec<u8>) -> Result<(), Corrupt> {
        if !self.truncated || self.total.is_some() || bytes.len() > self.limit / 2 {
            return Err(Corrupt("the tail of a stream is unexpected or too long"));
        }
        (self.tail, self.total) = (bytes, Some(total));
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Capture {
        let received = (self.bytes.len() + self.tail.len()) as u64;
        if !self.truncated {
            return Capture { length: received, bytes: self.bytes, cut: None };
        }
        // Half of the limit is the head. The other half keeps the last bytes.
        let head = (self.limit - self.limit / 2).min(self.bytes.len());
        let mut rest = self.bytes.split_off(head);
        rest.append(&mut self.tail);
        let kept = rest.split_off(rest.len().saturating_sub(self.limit / 2));
        self.bytes.extend(kept);
        let length = self.total.unwrap_or(received).max(self.bytes.len() as u64);
        Capture { bytes: self.bytes, length, cut: Some(head as u64) }
    }
}
