//! The envelope of everything that sidecar and runner send: four bytes with the number of a channel, two with a
//! kind, four with a length (all little-endian), then a body of that length.
//!
//! The envelope never changes, and neither does a kind that was published: something new is a new kind. So a reader
//! skips the kinds that it does not know.

use alloc::vec::Vec;
use core::marker::PhantomData;

/// Longest body in bytes. Every ceiling keeps collected files and output tails shorter.
pub const MAX_BODY: u32 = 1 << 28;
/// The channel of what belongs to no execution.
pub const CONTROL: u32 = 0;
pub(crate) const HEADER: usize = 10;

/// The bytes are not what this protocol sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was received violates the protocol of sidecar and runner; use a sidecar and a runner of the same version")]
pub struct Malformed;

/// What an envelope contains: a [`Message`](crate::Message) or a [`Frame`](crate::Frame).
pub trait Payload: Sized {
    /// Its kind, and the encoded body.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the body is longer than memory allows.
    fn encode_body(&self) -> Result<(u16, Vec<u8>), Malformed>;

    /// Decodes a body; none if this version does not know the kind.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not exactly a body of that kind.
    fn decode_body(kind: u16, body: &[u8]) -> Result<Option<Self>, Malformed>;
}

/// Encodes what is sent on a channel.
///
/// # Errors
///
/// [`Malformed`] if the body is longer than [`MAX_BODY`].
pub fn encode(channel: u32, payload: &impl Payload) -> Result<Vec<u8>, Malformed> {
    let (kind, body) = payload.encode_body()?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MAX_BODY).ok_or(Malformed)?;
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(&channel.to_le_bytes());
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Decodes the bytes of a connection, which may be split anywhere.
#[derive(Debug)]
pub struct Decoder<P> {
    buffer: Vec<u8>,
    consumed: usize,
    max_body: u32,
    payload: PhantomData<fn() -> P>,
}

impl<P: Payload> Default for Decoder<P> {
    fn default() -> Self {
        Self::with_max_body(MAX_BODY.into())
    }
}

impl<P: Payload> Decoder<P> {
    /// Creates a decoder that rejects a body longer than `bytes` before it buffers that body.
    #[must_use]
    pub fn with_max_body(bytes: u64) -> Self {
        let max_body = u32::try_from(bytes).map_or(MAX_BODY, |bytes| bytes.min(MAX_BODY));
        Self { buffer: Vec::new(), consumed: 0, max_body, payload: PhantomData }
    }

    /// Adds the next bytes of the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Decodes the next payload of a known kind, if it is complete; gives it with its channel.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the bytes violate the protocol. The bytes after them cannot be decoded.
    pub fn next(&mut self) -> Result<Option<(u32, P)>, Malformed> {
        loop {
            let rest = self.buffer.get(self.consumed..).unwrap_or_default();
            let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
            let [a, b, c, d, kind @ .., e, f, g, h] = *header;
            let length = u32::from_le_bytes([e, f, g, h]);
            if length > self.max_body {
                return Err(Malformed);
            }
            let Some(body) = rest.get(..length as usize) else { return Ok(None) };
            let payload = P::decode_body(u16::from_le_bytes(kind), body)?;
            self.consumed += HEADER + length as usize;
            if let Some(payload) = payload {
                return Ok(Some((u32::from_le_bytes([a, b, c, d]), payload)));
            }
        }
    }

    /// Whether the bytes so far end with a complete envelope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumed == self.buffer.len()
    }
}

/// A body in postcard's format.
pub(crate) fn to_body(value: &impl serde::Serialize) -> Result<Vec<u8>, Malformed> {
    postcard::to_allocvec(value).map_err(|_| Malformed)
}

/// Decodes a body that [`to_body`] encoded.
pub(crate) fn from_body<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        _ => Err(Malformed),
    }
}

/// A kind without a body.
pub(crate) fn without_body<T>(value: T, body: &[u8]) -> Result<T, Malformed> {
    if body.is_empty() { Ok(value) } else { Err(Malformed) }
}
