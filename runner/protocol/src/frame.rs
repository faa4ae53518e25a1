//! Frames of the runner: one byte of kind, four bytes of length (little-endian), then the payload.

mod decoder;
#[cfg(test)]
mod tests;

pub use decoder::FrameDecoder;

use alloc::{string::String, vec::Vec};
use core::time::Duration;

/// Longest payload in bytes. Every ceiling keeps collected files and output tails shorter.
pub const MAX_PAYLOAD: u32 = 1 << 28;
/// Most files that are each reported as skipped. One more frame reports the number of the others.
pub const MAX_SKIPPED: usize = 1000;
const HEADER: usize = 5;

const READY: u8 = 1;
const STARTED: u8 = 2;
const STDOUT: u8 = 3;
const STDERR: u8 = 4;
const STDOUT_TRUNCATED: u8 = 5;
const STDERR_TRUNCATED: u8 = 6;
const STDOUT_TAIL: u8 = 7;
const STDERR_TAIL: u8 = 8;
const FILE: u8 = 9;
const SKIPPED: u8 = 10;
const TERMINATED: u8 = 11;
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

/// How the program terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// It exited with this code.
    Exited(u8),
    /// This signal killed it, which the runner did not send.
    Killed(u8),
    /// The runner killed it at its time limit.
    TimedOut,
    /// The runner killed it above its memory limit.
    OutOfMemory,
    /// It failed with this exit code (128 + signal), and its disk was full.
    OutOfDisk(u8),
    /// The runner killed it above its process limit.
    OutOfProcesses,
    /// The runner killed it because the sidecar closed the channel.
    Cancelled,
}

/// A message of the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The sandbox is isolated, and the runner waits for the next message.
    Ready,
    /// The program's first process has started.
    Started,
    /// Bytes that the program wrote.
    Output(Stream, Vec<u8>),
    /// The stream has reached its limit. The bytes after it are discarded, except for a tail.
    Truncated(Stream),
    /// The end of a truncated stream: the number of all bytes that the program wrote, and the last of them.
    Tail(Stream, u64, Vec<u8>),
    /// A collected file: its path, permission bits and contents.
    File(String, u32, Vec<u8>),
    /// A file that matches a pattern and was not collected: its path and the reason.
    Skipped(String, String),
    /// The program terminated, after this time. Its files follow.
    Terminated(Termination, Duration),
    /// The run is complete. The last frame.
    Done,
    /// The runner could not start or supervise the program, for this reason. The last frame.
    Failed(String),
}

/// The bytes are not a valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runner's output contains an invalid frame")]
pub struct MalformedFrame;

/// Encodes `frame`. A payload longer than [`MAX_PAYLOAD`] is truncated.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::Ready => with_header(READY, &[]),
        Frame::Started => with_header(STARTED, &[]),
        Frame::Output(Stream::Stdout, bytes) => with_header(STDOUT, bytes),
        Frame::Output(Stream::Stderr, bytes) => with_header(STDERR, bytes),
        Frame::Truncated(Stream::Stdout) => with_header(STDOUT_TRUNCATED, &[]),
        Frame::Truncated(Stream::Stderr) => with_header(STDERR_TRUNCATED, &[]),
        Frame::Tail(stream, total, bytes) => {
            let mut payload = total.to_le_bytes().to_vec();
            payload.extend_from_slice(bytes);
            let kind = if *stream == Stream::Stdout { STDOUT_TAIL } else { STDERR_TAIL };
            with_header(kind, &payload)
        }
        Frame::File(path, mode, content) => {
            with_header(FILE, &encode_pair(path, &[&mode.to_le_bytes(), content.as_slice()].concat()))
        }
        Frame::Skipped(path, reason) => with_header(SKIPPED, &encode_pair(path, reason.as_bytes())),
        Frame::Terminated(termination, run_time) => {
            let micros = u64::try_from(run_time.as_micros()).unwrap_or(u64::MAX);
            with_header(
                TERMINATED,
                &[encode_termination(*termination).as_slice(), &micros.to_le_bytes()].concat(),
            )
        }
        Frame::Failed(reason) => with_header(FAILED, reason.as_bytes()),
        Frame::Done => with_header(DONE, &[]),
    }
}

/// A text with its length before it, then bytes.
fn encode_pair(text: &str, bytes: &[u8]) -> Vec<u8> {
    let mut payload = payload_length(text.len()).to_le_bytes().to_vec();
    payload.extend_from_slice(text.as_bytes());
    payload.extend_from_slice(bytes);
    payload
}

fn payload_length(length: usize) -> u32 {
    u32::try_from(length).map_or(MAX_PAYLOAD, |length| length.min(MAX_PAYLOAD))
}

fn with_header(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload_length(payload.len());
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.push(kind);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend(payload.iter().take(length as usize));
    bytes
}

fn encode_termination(termination: Termination) -> [u8; 2] {
    match termination {
        Termination::Exited(code) => [0, code],
        Termination::Killed(signal) => [1, signal],
        Termination::TimedOut => [2, 0],
        Termination::OutOfMemory => [3, 0],
        Termination::OutOfDisk(code) => [4, code],
        Termination::OutOfProcesses => [5, 0],
        Termination::Cancelled => [6, 0],
    }
}
