//! The envelope of everything that sidecar and runner send: four bytes with the number of a channel, two with a
//! kind, four with a length (all little-endian), then a body of that length.
//!
//! The envelope never changes, and neither does a kind that was published: something new is a new kind. So a reader
//! skips the kinds that it does not know.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::marker::PhantomData;

/// Longest body in bytes. Every ceiling keeps collected files and output tails shorter.
pub const MAX_BODY: u32 = 1 << 28;
/// The channel of what belongs to no execution.
pub const CONTROL: u32 = 0;
/// The channel of the execution of a sandbox that has only one.
pub const EXECUTION: u32 = 1;
const HEADER: usize = 10;
/// Bytes that an empty decoder may keep for the next ones.
const MAX_SPARE: usize = 256 << 10;

/// This is not what the protocol allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a message violates the protocol of sidecar and runner; use a sidecar and a runner of the same version"
)]
pub struct Malformed;

/// What an envelope contains: a [`Message`](crate::Message) or a [`Frame`](crate::Frame).
pub trait Payload: Sized {
    /// Appends the encoded body to `bytes`, and gives its kind.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it cannot be encoded.
    fn encode_body(&self, bytes: Vec<u8>) -> Result<(u16, Vec<u8>), Malformed>;

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
    append(Vec::new(), channel, payload)
}

/// Encodes what is sent on a channel after `bytes`, and appends it to these.
///
/// # Errors
///
/// [`Malformed`] if the body is longer than [`MAX_BODY`].
pub fn append(mut bytes: Vec<u8>, channel: u32, payload: &impl Payload) -> Result<Vec<u8>, Malformed> {
    let start = bytes.len();
    bytes.extend_from_slice(&channel.to_le_bytes());
    bytes.extend_from_slice(&[0; HEADER - 4]);
    let (kind, mut bytes) = payload.encode_body(bytes)?;
    let (header, body) =
        bytes.get_mut(start..).and_then(<[u8]>::split_first_chunk_mut::<HEADER>).ok_or(Malformed)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MAX_BODY).ok_or(Malformed)?;
    let ([.., kind_low, kind_high, a, b, c, d], [low, high]) = (header, kind.to_le_bytes());
    (*kind_low, *kind_high) = (low, high);
    [*a, *b, *c, *d] = length.to_le_bytes();
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
    #[expect(clippy::should_implement_trait, reason = "none means that bytes are missing, not the end")]
    pub fn next(&mut self) -> Result<Option<(u32, P)>, Malformed> {
        loop {
            let Some((header, rest)) = self.rest().split_first_chunk() else { return Ok(None) };
            let (channel, kind, length) = parse(*header);
            if length > self.max_body {
                return Err(Malformed);
            }
            let Some(body) = rest.get(..length as usize) else { return Ok(None) };
            let payload = P::decode_body(kind, body)?;
            self.consumed += HEADER + length as usize;
            if self.is_empty() && self.buffer.capacity() > MAX_SPARE {
                (self.buffer, self.consumed) = (Vec::new(), 0);
            }
            if let Some(payload) = payload {
                return Ok(Some((channel, payload)));
            }
        }
    }

    /// The number of bytes that the next envelope certainly lacks. Who reads no more than these leaves unread what
    /// follows it.
    #[must_use]
    pub fn missing(&self) -> usize {
        let rest = self.rest();
        match rest.split_first_chunk() {
            Some((header, body)) => (parse(*header).2 as usize).saturating_sub(body.len()),
            None => HEADER - rest.len(),
        }
    }

    /// Whether the bytes so far end with a complete envelope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumed == self.buffer.len()
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }
}

/// The channel, the kind and the length in a header.
fn parse([a, b, c, d, e, f, g, h, i, j]: [u8; HEADER]) -> (u32, u16, u32) {
    (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]), u32::from_le_bytes([g, h, i, j]))
}

/// Appends a value to `bytes` in postcard's format.
pub(crate) fn to_body(bytes: Vec<u8>, value: &impl serde::Serialize) -> Result<Vec<u8>, Malformed> {
    postcard::to_extend(value, bytes).map_err(|_| Malformed)
}

/// Appends a body that is these bytes.
pub(crate) fn with_bytes(mut bytes: Vec<u8>, body: &[u8]) -> Vec<u8> {
    bytes.extend_from_slice(body);
    bytes
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
