//! The result of an execution.

use crate::File;
use alloc::{string::String, vec::Vec};
use core::time::Duration;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Status {
    /// It exited with this code.
    Exited(u8),
    /// It was killed by this signal, which the sandbox did not send.
    Killed(u8),
    /// It was killed because it exceeded its wall time.
    TimedOut,
    /// It was killed because its processes exceeded the memory limit.
    OutOfMemory,
    /// It reached the disk limit and failed with this exit code (128 plus the signal number if a signal
    /// killed it).
    OutOfDisk(u8),
    /// It was killed because it exceeded the limit of processes and threads.
    OutOfProcesses,
    /// It was killed because the caller cancelled the execution.
    Cancelled,
}

impl Status {
    /// The exit code that shells, `timeout` and container engines have for this status: the program's own;
    /// 128 plus the number of the signal; 124 if it exceeded its wall time; 137, as after SIGKILL, if it
    /// exceeded the limit of memory or processes; 130, as after SIGINT, if it was cancelled.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Exited(code) | Self::OutOfDisk(code) => code,
            Self::Killed(signal) => killed_by(signal),
            Self::TimedOut => TIMED_OUT,
            Self::OutOfMemory | Self::OutOfProcesses => killed_by(SIGKILL),
            Self::Cancelled => killed_by(SIGINT),
        }
    }
}

const TIMED_OUT: u8 = 124;
const SIGINT: u8 = 2;
const SIGKILL: u8 = 9;

const fn killed_by(signal: u8) -> u8 {
    signal.saturating_add(128)
}

/// The captured output of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// The whole output, or its head and its tail.
    pub bytes: Vec<u8>,
    /// Bytes that the program wrote.
    pub length: u64,
    /// If the middle was removed, the length of the head in `bytes`.
    pub cut: Option<u64>,
}

/// A file that matched a pattern of `collect` and was not collected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SkippedFile {
    /// Path relative to the working directory. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub path: String,
    /// The reason, for a person.
    pub reason: String,
}

/// Time from the request to each event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// The execution left the queue.
    pub queued: Option<Duration>,
    /// The sandbox was assigned to a node.
    pub scheduled: Option<Duration>,
    /// The image was pulled.
    pub pulled: Option<Duration>,
    /// The program started.
    pub started: Option<Duration>,
    /// The program ended.
    pub finished: Option<Duration>,
    /// The report was complete.
    pub answered: Duration,
}

/// The report of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The id of the execution, also in the operator's log.
    pub id: String,
    /// How the program ended.
    pub status: Status,
    /// Standard output.
    pub stdout: Capture,
    /// Standard error.
    pub stderr: Capture,
    /// The collected files, sorted by path.
    pub files: Vec<File>,
    /// The files that matched a pattern and were not collected.
    pub skipped: Vec<SkippedFile>,
    /// The time of each event.
    pub timings: Timings,
    /// Whether the sandbox was prewarmed.
    pub warm: bool,
}

/// The time in whole milliseconds, as the interfaces have it.
#[must_use]
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        for (status, expected) in [
            (Status::Exited(0), 0),
            (Status::Exited(255), 255),
            (Status::Killed(11), 139),
            (Status::Killed(u8::MAX), 255),
            (Status::TimedOut, 124),
            (Status::OutOfMemory, 137),
            (Status::OutOfDisk(1), 1),
            (Status::OutOfProcesses, 137),
            (Status::Cancelled, 130),
        ] {
            assert_eq!(status.exit_code(), expected, "{status:?}");
        }
    }
}
