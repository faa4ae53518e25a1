//! Frames: what the runner sends.

#[cfg(test)]
pub(crate) mod tests;

use crate::{
    command::{SessionEnd, Usage},
    envelope::{Malformed, Payload, from_body, to_body, with_bytes, without_body},
    hello::Hello,
};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::time::Duration;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

/// Most files that are each reported as skipped. One more frame reports the number of the others.
pub const MAX_SKIPPED: usize = 1000;

const HELLO: u16 = 1;
const READY: u16 = 2;
const STARTED: u16 = 3;
const STDOUT: u16 = 4;
const STDERR: u16 = 5;
const STDOUT_TRUNCATED: u16 = 6;
const STDERR_TRUNCATED: u16 = 7;
const STDOUT_TAIL: u16 = 8;
const STDERR_TAIL: u16 = 9;
const FILE: u16 = 10;
const SKIPPED: u16 = 11;
const TERMINATED: u16 = 12;
const FAILED: u16 = 13;
const DONE: u16 = 14;
const PROCESS: u16 = 32;
const CREDIT: u16 = 33;
const BACKGROUND: u16 = 34;
const USAGE: u16 = 35;
const SESSION_ENDED: u16 = 36;

/// One of a program's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How the program terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// A message of the runner. The first two have the control channel; the others have the channel of their execution,
/// except that a failure before there is one has the control channel too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// What the runner can do. The first frame: the sandbox is isolated, and the runner waits for messages.
    Hello(Hello),
    /// The runner has done what the last message asked for, and waits for the next one.
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
    /// The id of a command's first process in the session, right after its start.
    Process(u32),
    /// The runner takes so many more bytes of a command's standard input.
    Credit(u32),
    /// So many processes of a command that has terminated go on.
    Background(u32),
    /// What the session uses.
    Usage(Usage),
    /// The runner ends the session. The last frame, on [`CONTROL`](crate::CONTROL).
    SessionEnded(SessionEnd),
}

impl Payload for Frame {
    fn encode_body(&self, bytes: Vec<u8>) -> Result<(u16, Vec<u8>), Malformed> {
        let of_stream = |stream: &Stream, stdout, stderr| match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        };
        Ok(match self {
            Self::Hello(hello) => (HELLO, to_body(bytes, hello)?),
            Self::Ready => (READY, bytes),
            Self::Started => (STARTED, bytes),
            Self::Output(stream, output) => (of_stream(stream, STDOUT, STDERR), with_bytes(bytes, output)),
            Self::Truncated(stream) => (of_stream(stream, STDOUT_TRUNCATED, STDERR_TRUNCATED), bytes),
            Self::Tail(stream, total, tail) => {
                (of_stream(stream, STDOUT_TAIL, STDERR_TAIL), to_body(bytes, &(total, Bytes::new(tail)))?)
            }
            Self::File(path, mode, content) => (FILE, to_body(bytes, &(path, mode, Bytes::new(content)))?),
            Self::Skipped(path, reason) => (SKIPPED, to_body(bytes, &(path, reason))?),
            Self::Terminated(termination, run_time) => {
                (TERMINATED, to_body(bytes, &(termination, run_time))?)
            }
            Self::Failed(reason) => (FAILED, to_body(bytes, reason)?),
            Self::Done => (DONE, bytes),
            Self::Process(id) => (PROCESS, to_body(bytes, id)?),
            Self::Credit(credit) => (CREDIT, to_body(bytes, credit)?),
            Self::Background(processes) => (BACKGROUND, to_body(bytes, processes)?),
            Self::Usage(usage) => (USAGE, to_body(bytes, usage)?),
            Self::SessionEnded(end) => (SESSION_ENDED, to_body(bytes, end)?),
        })
    }

    fn decode_body(kind: u16, body: &[u8]) -> Result<Option<Self>, Malformed> {
        let output = |stream| Ok(Self::Output(stream, body.to_owned()));
        let tail = |stream| {
            from_body(body).map(|(total, bytes): (u64, ByteBuf)| Self::Tail(stream, total, bytes.into_vec()))
        };
        let frame = match kind {
            HELLO => from_body(body).map(Self::Hello),
            READY => without_body(Self::Ready, body),
            STARTED => without_body(Self::Started, body),
            STDOUT => output(Stream::Stdout),
            STDERR => output(Stream::Stderr),
            STDOUT_TRUNCATED => without_body(Self::Truncated(Stream::Stdout), body),
            STDERR_TRUNCATED => without_body(Self::Truncated(Stream::Stderr), body),
            STDOUT_TAIL => tail(Stream::Stdout),
            STDERR_TAIL => tail(Stream::Stderr),
            FILE => from_body(body).map(|(path, mode, content): (String, u32, ByteBuf)| {
                Self::File(path, mode, content.into_vec())
            }),
            SKIPPED => from_body(body).map(|(path, reason)| Self::Skipped(path, reason)),
            TERMINATED => {
                from_body(body).map(|(termination, run_time)| Self::Terminated(termination, run_time))
            }
            FAILED => from_body(body).map(Self::Failed),
            DONE => without_body(Self::Done, body),
            PROCESS => from_body(body).map(Self::Process),
            CREDIT => from_body(body).map(Self::Credit),
            BACKGROUND => from_body(body).map(Self::Background),
            USAGE => from_body(body).map(Self::Usage),
            SESSION_ENDED => from_body(body).map(Self::SessionEnded),
            _ => return Ok(None),
        };
        frame.map(Some)
    }
}
