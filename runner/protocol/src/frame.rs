//! Frames: one byte of kind, four bytes of length (little-endian), then the payload.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::time::Duration;

/// Longest payload. No ceiling lets a collected file or a stream's tail be as long.
pub const MAX_PAYLOAD: u32 = 1 << 28;
/// Files that are reported one by one as not brought back. One more frame says how many others there are.
pub const MAX_SKIPPED: usize = 1000;
const HEADER: usize = 5;

const READY: u8 = 1;
const STARTED: u8 = 2;
const STDOUT: u8 = 3;
const STDERR: u8 = 4;
const STDOUT_CUT: u8 = 5;
const STDERR_CUT: u8 = 6;
const STDOUT_TAIL: u8 = 7;
const STDERR_TAIL: u8 = 8;
const FILE: u8 = 9;
const SKIPPED: u8 = 10;
const ENDED: u8 = 11;
const FAILED: u8 = 12;
const DONE: u8 = 13;

/// One of a program's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How the program ended, as the runner saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit code.
    Exited(u8),
    /// By this signal, which the runner did not send.
    Killed(u8),
    /// Killed by the runner at the end of its wall time.
    TimedOut,
    /// Killed by the runner over its memory.
    OutOfMemory,
    /// It failed with this exit code (128 + signal) while its disk was full.
    OutOfDisk(u8),
    /// Killed by the runner over its processes.
    OutOfProcesses,
    /// Killed by the runner because the sidecar closed the channel.
    Cancelled,
}

/// What the runner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The wall stands and the runner waits for the program.
    Ready,
    /// The program's first process runs.
    Started,
    /// The program wrote these bytes.
    Output(Stream, Vec<u8>),
    /// The stream is over its bound: what follows is held back until the end.
    Cut(Stream),
    /// The end of a stream that was cut: how many bytes the program wrote, and the last of those held back.
    Tail(Stream, u64, Vec<u8>),
    /// A file that was asked for: its path and its bytes.
    File(String, Vec<u8>),
    /// A file that was asked for and is not brought back: its path and why.
    Skipped(String, String),
    /// The program ended after this time; its files follow.
    Ended(Ending, Duration),
    /// All has been said. Last.
    Done,
    /// The program could not be started or followed. Last.
    Failed(String),
}

/// The bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runner's output is not made of frames")]
pub struct MalformedFrame;

/// The bytes of `frame` as they go to the sidecar. A payload over [`MAX_PAYLOAD`] would be cut there.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let two = |first: &str, second: &[u8]| {
        let mut payload = bounded(first.len()).to_le_bytes().to_vec();
        payload.extend_from_slice(first.as_bytes());
        payload.extend_from_slice(second);
        payload
    };
    match frame {
        Frame::Ready => framed(READY, &[]),
        Frame::Started => framed(STARTED, &[]),
        Frame::Output(Stream::Stdout, bytes) => framed(STDOUT, bytes),
        Frame::Output(Stream::Stderr, bytes) => framed(STDERR, bytes),
        Frame::Cut(Stream::Stdout) => framed(STDOUT_CUT, &[]),
        Frame::Cut(Stream::Stderr) => framed(STDERR_CUT, &[]),
        Frame::Tail(stream, total, bytes) => {
            let mut payload = total.to_le_bytes().to_vec();
            payload.extend_from_slice(bytes);
            let kind = if *stream == Stream::Stdout { STDOUT_TAIL } else { STDERR_TAIL };
            framed(kind, &payload)
        }
        Frame::File(path, content) => framed(FILE, &two(path, content)),
        Frame::Skipped(path, reason) => framed(SKIPPED, &two(path, reason.as_bytes())),
        Frame::Ended(ending, ran) => {
            let micros = u64::try_from(ran.as_micros()).unwrap_or(u64::MAX);
            framed(ENDED, &[encode_ending(*ending).as_slice(), &micros.to_le_bytes()].concat())
        }
        Frame::Failed(reason) => framed(FAILED, reason.as_bytes()),
        Frame::Done => framed(DONE, &[]),
    }
}

fn bounded(length: usize) -> u32 {
    u32::try_from(length).map_or(MAX_PAYLOAD, |length| length.min(MAX_PAYLOAD))
}

fn framed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = bounded(payload.len());
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.push(kind);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend(payload.iter().take(length as usize));
    bytes
}

fn encode_ending(ending: Ending) -> [u8; 2] {
    match ending {
        Ending::Exited(code) => [0, code],
        Ending::Killed(signal) => [1, signal],
        Ending::TimedOut => [2, 0],
        Ending::OutOfMemory => [3, 0],
        Ending::OutOfDisk(code) => [4, code],
        Ending::OutOfProcesses => [5, 0],
        Ending::Cancelled => [6, 0],
    }
}

fn decode_ending(payload: &[u8]) -> Option<Ending> {
    Some(match *payload {
        [0, code] => Ending::Exited(code),
        [1, signal] => Ending::Killed(signal),
        [2, 0] => Ending::TimedOut,
        [3, 0] => Ending::OutOfMemory,
        [4, code] => Ending::OutOfDisk(code),
        [5, 0] => Ending::OutOfProcesses,
        [6, 0] => Ending::Cancelled,
        _ => return None,
    })
}

/// Turns the bytes of a channel, however they are split, back into frames.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    consumed: usize,
    max_payload: u32,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_max_payload(MAX_PAYLOAD.into())
    }
}

impl Decoder {
    /// A decoder that refuses a frame whose payload is longer than `bytes`, before it has read that payload.
    #[must_use]
    pub fn with_max_payload(bytes: u64) -> Self {
        let max_payload = u32::try_from(bytes).map_or(MAX_PAYLOAD, |bytes| bytes.min(MAX_PAYLOAD));
        Self { buffer: Vec::new(), consumed: 0, max_payload }
    }

    /// Takes the next bytes of the channel.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    ///
    /// [`MalformedFrame`] for bytes that no runner writes; nothing after them can be read.
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

    /// Whether the channel's bytes so far end between two frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumed == self.buffer.len()
    }
}

fn decode(kind: u8, payload: &[u8]) -> Option<Frame> {
    let empty = |frame| payload.is_empty().then_some(frame);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).ok();
    let tail = |stream| {
        let (total, bytes) = payload.split_first_chunk::<8>()?;
        Some(Frame::Tail(stream, u64::from_le_bytes(*total), bytes.to_owned()))
    };
    let two = || {
        let (length, rest) = payload.split_first_chunk::<4>()?;
        rest.split_at_checked(u32::from_le_bytes(*length) as usize)
    };
    match kind {
        READY => empty(Frame::Ready),
        STARTED => empty(Frame::Started),
        STDOUT => Some(Frame::Output(Stream::Stdout, payload.to_owned())),
        STDERR => Some(Frame::Output(Stream::Stderr, payload.to_owned())),
        STDOUT_CUT => empty(Frame::Cut(Stream::Stdout)),
        STDERR_CUT => empty(Frame::Cut(Stream::Stderr)),
        STDOUT_TAIL => tail(Stream::Stdout),
        STDERR_TAIL => tail(Stream::Stderr),
        FILE => two().and_then(|(path, content)| Some(Frame::File(text(path)?, content.to_owned()))),
        SKIPPED => two().and_then(|(path, reason)| Some(Frame::Skipped(text(path)?, text(reason)?))),
        ENDED => payload.split_last_chunk::<8>().and_then(|(ending, micros)| {
            Some(Frame::Ended(decode_ending(ending)?, Duration::from_micros(u64::from_le_bytes(*micros))))
        }),
        FAILED => text(payload).map(Frame::Failed),
        DONE => empty(Frame::Done),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    fn every_frame() -> Vec<Frame> {
        let mut frames = vec![
            Frame::Ready,
            Frame::Started,
            Frame::Done,
            Frame::File("a/b.csv".into(), vec![0, 1, 255]),
            Frame::Skipped("c".into(), "a link".into()),
            Frame::Failed("no wall".into()),
        ];
        for stream in [Stream::Stdout, Stream::Stderr] {
            frames.extend([
                Frame::Output(stream, b"\x0b\x02\x00\x00\x00\x00\x00".to_vec()),
                Frame::Output(stream, vec![]),
                Frame::Cut(stream),
                Frame::Tail(stream, u64::MAX, b"end".to_vec()),
            ]);
        }
        frames.extend(
            [
                Ending::Exited(255),
                Ending::Killed(9),
                Ending::TimedOut,
                Ending::OutOfMemory,
                Ending::OutOfDisk(1),
                Ending::OutOfProcesses,
                Ending::Cancelled,
            ]
            .map(|ending| Frame::Ended(ending, Duration::from_micros(1_234_567))),
        );
        frames
    }

    #[test]
    fn frames_survive_any_split() {
        let frames = every_frame();
        let bytes: Vec<u8> = frames.iter().flat_map(encode).collect();
        for size in 1..bytes.len() {
            let (mut decoder, mut seen) = (Decoder::default(), vec![]);
            for chunk in bytes.chunks(size) {
                decoder.push(chunk);
                while let Ok(Some(frame)) = decoder.next_frame() {
                    seen.push(frame);
                }
            }
            assert_eq!(seen, frames, "split every {size} bytes");
            assert!(decoder.is_empty());
        }
    }

    #[test]
    fn frames_keep_their_bytes_on_the_wire() {
        for (frame, bytes) in [
            (Frame::Ready, b"\x01\0\0\0\0".as_slice()),
            (Frame::Started, b"\x02\0\0\0\0"),
            (Frame::Output(Stream::Stdout, b"o".to_vec()), b"\x03\x01\0\0\0o"),
            (Frame::Output(Stream::Stderr, b"e".to_vec()), b"\x04\x01\0\0\0e"),
            (Frame::Cut(Stream::Stdout), b"\x05\0\0\0\0"),
            (Frame::Cut(Stream::Stderr), b"\x06\0\0\0\0"),
            (Frame::Tail(Stream::Stdout, 9, b"o".to_vec()), b"\x07\x09\0\0\0\x09\0\0\0\0\0\0\0o"),
            (Frame::Tail(Stream::Stderr, 9, b"e".to_vec()), b"\x08\x09\0\0\0\x09\0\0\0\0\0\0\0e"),
            (Frame::File("p".into(), b"f".to_vec()), b"\x09\x06\0\0\0\x01\0\0\0pf"),
            (Frame::Skipped("p".into(), "s".into()), b"\x0a\x06\0\0\0\x01\0\0\0ps"),
            (Frame::Ended(Ending::Exited(3), Duration::from_micros(7)), b"\x0b\x0a\0\0\0\x00\x03\x07\0\0\0\0\0\0\0"),
            (Frame::Failed("x".into()), b"\x0c\x01\0\0\0x"),
            (Frame::Done, b"\x0d\0\0\0\0"),
        ] {
            assert_eq!(encode(&frame), bytes, "{frame:?}");
        }
        for (ending, bytes) in [
            (Ending::Exited(1), [0, 1]),
            (Ending::Killed(9), [1, 9]),
            (Ending::TimedOut, [2, 0]),
            (Ending::OutOfMemory, [3, 0]),
            (Ending::OutOfDisk(4), [4, 4]),
            (Ending::OutOfProcesses, [5, 0]),
            (Ending::Cancelled, [6, 0]),
        ] {
            assert_eq!(encode_ending(ending), bytes, "{ending:?}");
        }
    }

    #[test]
    fn what_no_runner_writes_is_refused() {
        for bytes in [
            &[0, 0, 0, 0, 0][..],
            &[99, 0, 0, 0, 0],
            &[READY, 1, 0, 0, 0, 7],
            &[ENDED, 2, 0, 0, 0, 9, 9],
            &[STDOUT, 0, 0, 0, 255],
        ] {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            assert_eq!(decoder.next_frame(), Err(MalformedFrame), "{bytes:?}");
        }
    }

    #[test]
    fn a_payload_above_the_bound_is_refused_before_it_has_come() {
        let frame = encode(&Frame::Output(Stream::Stdout, vec![0; 9]));
        for (bound, expected) in [(9, Ok(None)), (8, Err(MalformedFrame)), (u64::MAX, Ok(None))] {
            let mut decoder = Decoder::with_max_payload(bound);
            decoder.push(&frame[..HEADER]);
            assert_eq!(decoder.next_frame(), expected, "{bound}");
        }
    }

    #[test]
    fn half_a_frame_is_no_frame() {
        let mut decoder = Decoder::default();
        decoder.push(&encode(&Frame::Output(Stream::Stdout, b"hello".to_vec()))[..7]);
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(!decoder.is_empty());
    }
}
