//! A stream of bytes each way that outlives its connections: a connection that broke goes on where it was.
//!
//! Below the envelopes of messages and frames, what is sent is in envelopes of its own: each end numbers its bytes,
//! keeps those that the other end has not acknowledged, and says on a new connection how many it has received. The
//! other end sends again from there, so that no byte is lost or doubled, wherever a connection is cut.

#[cfg(test)]
mod tests;

use crate::{
    CONTROL,
    envelope::{Decoder, Malformed, Payload, append, from_body, to_body, with_bytes},
};
use alloc::{borrow::ToOwned, collections::VecDeque, vec::Vec};

/// Bytes that wait for their acknowledgement before an end has no room for more.
pub const LINK_WINDOW: usize = 1 << 20;
/// Bytes after which an end acknowledges what it has received, even if it has nothing to send.
const ACK_STEP: u64 = 64 << 10;
/// Most bytes in one envelope.
const MAX_DATA: usize = 64 << 10;

const RESUME: u16 = 1;
const ACK: u16 = 2;
const DATA: u16 = 3;

/// What one end sends to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// So many bytes were received on all connections so far. The first part of each connection.
    Resume(u64),
    /// So many bytes were received, and need not be kept any longer.
    Ack(u64),
    /// The next bytes.
    Data(Vec<u8>),
}

impl Payload for Part {
    fn encode_body(&self, bytes: Vec<u8>) -> Result<(u16, Vec<u8>), Malformed> {
        Ok(match self {
            Self::Resume(received) => (RESUME, to_body(bytes, received)?),
            Self::Ack(received) => (ACK, to_body(bytes, received)?),
            Self::Data(data) => (DATA, with_bytes(bytes, data)),
        })
    }

    fn decode_body(kind: u16, body: &[u8]) -> Result<Option<Self>, Malformed> {
        let part = match kind {
            RESUME => from_body(body).map(Self::Resume),
            ACK => from_body(body).map(Self::Ack),
            DATA => Ok(Self::Data(body.to_owned())),
            _ => return Ok(None),
        };
        part.map(Some)
    }
}

/// One end of a stream that outlives its connections. Pure: the caller reads and writes the connection.
#[derive(Debug)]
pub struct Link {
    /// Bytes that the other end has not acknowledged.
    kept: VecDeque<u8>,
    /// The number of bytes before these.
    acknowledged: u64,
    /// How many of the kept bytes were given to this connection; none before the other end has said where it is.
    sent: Option<usize>,
    received: u64,
    /// How many of these the other end was told of, on this connection; none before the first part.
    told: Option<u64>,
    decoder: Decoder<Part>,
    /// What the connection gets now, and how much of it was written.
    output: Vec<u8>,
    written: usize,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            acknowledged: 0,
            sent: None,
            received: 0,
            told: None,
            decoder: decoder(),
            output: Vec::new(),
            written: 0,
        }
    }
}

impl Link {
    /// There is a new connection. What was on its way on an earlier one does not count.
    pub fn connect(&mut self) {
        self.decoder = decoder();
        (self.sent, self.told) = (None, None);
        self.output.clear();
        self.written = 0;
    }

    /// Whether it takes more bytes. It takes them without room too, but the caller should stop.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.kept.len() < LINK_WINDOW
    }

    /// Takes the next bytes for the other end.
    pub fn push(&mut self, bytes: &[u8]) {
        self.kept.extend(bytes);
    }

    /// Whether there is something to write to the connection.
    #[must_use]
    pub fn has_output(&self) -> bool {
        let Some(told) = self.told else { return true };
        self.written < self.output.len() || self.received - told >= ACK_STEP || self.has_unsent()
    }

    /// What is to be written to the connection now; empty if nothing is.
    ///
    /// # Errors
    ///
    /// Never: what it sends is short enough for an envelope.
    pub fn output(&mut self) -> Result<&[u8], Malformed> {
        if self.written == self.output.len() && self.has_output() {
            self.output.clear();
            self.written = 0;
            self.next_output()?;
        }
        Ok(self.output.get(self.written..).unwrap_or_default())
    }

    /// So many bytes of the [output](Self::output) were written.
    pub fn written(&mut self, length: usize) {
        self.written = self.output.len().min(self.written.saturating_add(length));
    }

    /// Takes bytes of the connection, and passes on those of the other end that are new.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if they violate the protocol. The connection, and with it the stream, is of no use then.
    pub fn receive(&mut self, bytes: &[u8], mut pass_on: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.decoder.push(bytes);
        while let Some((_, part)) = self.decoder.next()? {
            match part {
                Part::Resume(position) if self.sent.is_none() => {
                    self.forget(position)?;
                    self.sent = Some(0);
                }
                Part::Ack(position) => {
                    let sent = self.sent.ok_or(Malformed)?;
                    let forgotten = self.forget(position)?;
                    self.sent = Some(sent.checked_sub(forgotten).ok_or(Malformed)?);
                }
                Part::Data(data) if self.sent.is_some() => {
                    self.received += data.len() as u64;
                    pass_on(&data);
                }
                Part::Resume(_) | Part::Data(_) => return Err(Malformed),
            }
        }
        Ok(())
    }

    /// Whether the other end has received everything, as far as is known.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.kept.is_empty()
    }

    /// Bytes of memory in use.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        (self.kept.capacity() + self.output.capacity()) as u64
    }

    fn has_unsent(&self) -> bool {
        self.sent.is_some_and(|sent| sent < self.kept.len())
    }

    /// Appends what is sent next.
    fn next_output(&mut self) -> Result<(), Malformed> {
        let mut output = core::mem::take(&mut self.output);
        if self.told.is_none() {
            output = append(output, CONTROL, &Part::Resume(self.received))?;
        } else if self.told != Some(self.received) {
            output = append(output, CONTROL, &Part::Ack(self.received))?;
        }
        self.told = Some(self.received);
        if let Some(sent) = self.sent.filter(|sent| *sent < self.kept.len()) {
            let end = self.kept.len().min(sent + MAX_DATA);
            let (front, back) = self.kept.as_slices();
            let in_front = front.get(sent..end.min(front.len())).unwrap_or_default();
            let in_back = back.get(sent.saturating_sub(front.len())..end.saturating_sub(front.len()));
            let data = [in_front, in_back.unwrap_or_default()].concat();
            output = append(output, CONTROL, &Part::Data(data))?;
            self.sent = Some(end);
        }
        self.output = output;
        Ok(())
    }

    /// The other end has received everything before this position. Returns how many bytes that frees.
    fn forget(&mut self, position: u64) -> Result<usize, Malformed> {
        let freed = position.checked_sub(self.acknowledged).ok_or(Malformed)?;
        let freed = usize::try_from(freed).ok().filter(|freed| *freed <= self.kept.len()).ok_or(Malformed)?;
        self.kept.drain(..freed);
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
        self.acknowledged = position;
        Ok(freed)
    }
}

fn decoder() -> Decoder<Part> {
    Decoder::with_max_body(MAX_DATA as u64)
}
