//! Decodes frames.

use super::{
    DONE, FAILED, FILE, Frame, HEADER, MAX_PAYLOAD, MalformedFrame, READY, SKIPPED, STARTED, STDERR,
    STDERR_TAIL, STDERR_TRUNCATED, STDOUT, STDOUT_TAIL, STDOUT_TRUNCATED, Stream, TERMINATED, Termination,
};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::time::Duration;

/// Decodes frames from the bytes of a channel, which may be split anywhere.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    consumed: usize,
    max_payload: u32,
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self::with_max_payload(MAX_PAYLOAD.into())
    }
}

impl FrameDecoder {
    /// Creates a decoder that rejects a payload longer than `bytes` before it buffers that payload.
    #[must_use]
    pub fn with_max_payload(bytes: u64) -> Self {
        let max_payload = u32::try_from(bytes).map_or(MAX_PAYLOAD, |bytes| bytes.min(MAX_PAYLOAD));
        Self { buffer: Vec::new(), consumed: 0, max_payload }
    }

    /// Adds the next bytes of the channel.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Decodes the next frame, if it is complete.
    ///
    /// # Errors
    ///
    /// [`MalformedFrame`] if the bytes are not a valid frame. The bytes after it cannot be decoded.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MalformedFrame> {
        let rest = self.buffer.get(self.consumed..).unwrap_or_default();
        let [kind, a, b, c, d, payload @ ..] = rest else { return Ok(None) };
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        if length > self.max_payload {
            return Err(MalformedFrame);
        }
        let Some(payload) = payload.get(..length as usize) else { return Ok(None) };
        let frame = decode(*kind, payload).ok_or(MalformedFrame)?;
        self.consumed += HEADER + length as usize;
        Ok(Some(frame))
    }

    /// Whether the bytes so far end with a complete frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumed == self.buffer.len()
    }
}

fn decode(kind: u8, payload: &[u8]) -> Option<Frame> {
    let empty = |frame| payload.is_empty().then_some(frame);
    Some(match kind {
        READY => return empty(Frame::Ready),
        STARTED => return empty(Frame::Started),
        STDOUT => Frame::Output(Stream::Stdout, payload.to_owned()),
        STDERR => Frame::Output(Stream::Stderr, payload.to_owned()),
        STDOUT_TRUNCATED => return empty(Frame::Truncated(Stream::Stdout)),
        STDERR_TRUNCATED => return empty(Frame::Truncated(Stream::Stderr)),
        STDOUT_TAIL => decode_tail(Stream::Stdout, payload)?,
        STDERR_TAIL => decode_tail(Stream::Stderr, payload)?,
        FILE => {
            let (path, rest) = decode_pair(payload)?;
            let (mode, content) = rest.split_first_chunk()?;
            Frame::File(path, u32::from_le_bytes(*mode), content.to_owned())
        }
        SKIPPED => {
            let (path, reason) = decode_pair(payload)?;
            Frame::Skipped(path, decode_text(reason)?)
        }
        TERMINATED => {
            let (termination, micros) = payload.split_last_chunk::<8>()?;
            let run_time = Duration::from_micros(u64::from_le_bytes(*micros));
            Frame::Terminated(decode_termination(termination)?, run_time)
        }
        FAILED => Frame::Failed(decode_text(payload)?),
        DONE => return empty(Frame::Done),
        _ => return None,
    })
}

fn decode_text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_owned()).ok()
}

fn decode_tail(stream: Stream, payload: &[u8]) -> Option<Frame> {
    let (total, bytes) = payload.split_first_chunk::<8>()?;
    Some(Frame::Tail(stream, u64::from_le_bytes(*total), bytes.to_owned()))
}

/// A text with its length before it, then bytes.
fn decode_pair(payload: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = payload.split_first_chunk::<4>()?;
    let (text, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((decode_text(text)?, bytes))
}

fn decode_termination(payload: &[u8]) -> Option<Termination> {
    Some(match *payload {
        [0, code] => Termination::Exited(code),
        [1, signal] => Termination::Killed(signal),
        [2, 0] => Termination::TimedOut,
        [3, 0] => Termination::OutOfMemory,
        [4, code] => Termination::OutOfDisk(code),
        [5, 0] => Termination::OutOfProcesses,
        [6, 0] => Termination::Cancelled,
        _ => return None,
    })
}
