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
