//! One run of one program, in words that belong to no interface: what every backend and every front end maps to.

use std::time::Duration;

/// Bounds that a caller asks for; none means the operator's default.
pub use cofferdam_http_api::Limits as RequestedLimits;

/// One program, to be run at most once. The contract, `wit/types.wit`, says what each part means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Source text.
    pub code: String,
    /// Name of a language in the operator's table.
    pub language: Option<String>,
    /// Arguments after the program's own name.
    pub args: Vec<String>,
    /// Environment: names and values.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Files laid into the work directory.
    pub files: Vec<File>,
    /// Glob patterns of the files to bring back.
    pub collect: Vec<String>,
    /// Bounds that the caller asks for.
    pub limits: RequestedLimits,
    /// Name of a network profile.
    pub network: Option<String>,
    /// Whose run this is.
    pub labels: Vec<(String, String)>,
}

/// A regular file of the work directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative path.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this exit code.
    Exited(u8),
    /// By this signal, which was not the sandbox's.
    Killed(u8),
    /// Killed at the end of its wall time.
    TimedOut,
    /// Killed over its memory.
    OutOfMemory,
    /// Failed with this exit code (128 + signal) after it had filled its disk.
    OutOfDisk(u8),
    /// Killed over its processes.
    OutOfProcesses,
    /// Killed because the caller gave up.
    Cancelled,
}

/// What was kept of one output stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// All of it, or its head and its tail.
    pub bytes: Vec<u8>,
    /// Bytes that the program wrote.
    pub length: u64,
    /// If the middle was cut out: how many of `bytes` are the head.
    pub cut: Option<u64>,
}

/// A file that was asked for and not brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// Relative path.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// Time from the request to the end of each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// The run had waited for its turn.
    pub queued: Option<Duration>,
    /// A node had been found.
    pub scheduled: Option<Duration>,
    /// The image was there.
    pub pulled: Option<Duration>,
    /// The program started.
    pub started: Option<Duration>,
    /// The program ended.
    pub finished: Option<Duration>,
    /// The answer was complete.
    pub answered: Duration,
}

/// A run that took place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Joins this run with the operator's logs.
    pub id: String,
    /// How the program ended.
    pub status: Status,
    /// Standard output.
    pub stdout: Capture,
    /// Standard error.
    pub stderr: Capture,
    /// The files asked for, sorted by path.
    pub files: Vec<File>,
    /// The files asked for and not brought back.
    pub skipped: Vec<SkippedFile>,
    /// When each phase ended.
    pub timings: Timings,
    /// Whether the sandbox had been started before the request came.
    pub warm: bool,
}

/// What kind of failure kept a program from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request contradicts the contract.
    InvalidRequest,
    /// The request is too large.
    TooLarge,
    /// The operator's policy refuses it.
    Denied,
    /// The caller is not known, or may not do this.
    Unauthorised,
    /// A quota is used up.
    Quota,
    /// As many runs as the sidecar takes.
    Overloaded,
    /// No node can take it.
    Unschedulable,
    /// The image cannot be fetched.
    ImageUnavailable,
    /// The sandbox cannot be built, or is not the one that policy requires.
    SandboxUnavailable,
    /// The program had not started in time.
    StartupTimeout,
    /// The sandbox was taken away while the program ran.
    Evicted,
    /// The caller gave up before the program started.
    Cancelled,
    /// Sidecar or cluster cannot be reached.
    Unreachable,
    /// A fault of ours.
    Internal,
}

/// A run that did not take place, or whose result is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The run, if it had come far enough to have an id.
    pub id: Option<String>,
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// For the caller: what happened and what to do, without a detail of the machine.
    pub message: String,
    /// For the operator's log only.
    pub detail: Option<String>,
    /// Whether the program certainly did not start and a later try may succeed.
    pub retryable: bool,
}

impl Error {
    /// A failure that another try of the same request will not mend.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { id: None, code, message: message.into(), detail: None, retryable: false }
    }

    /// A fault of ours, with what the operator needs to find its cause.
    #[must_use]
    pub fn internal(message: impl Into<String>, detail: impl ToString) -> Self {
        Self::new(ErrorCode::Internal, message).with_detail(detail)
    }

    /// Adds what only the operator may read.
    #[must_use]
    pub fn with_detail(mut self, detail: impl ToString) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds to what only the operator may read.
    #[must_use]
    pub(crate) fn with_more_detail(self, more: &str) -> Self {
        match self.detail.as_deref().unwrap_or_default() {
            "" => self.with_detail(more),
            _ if more.is_empty() => self,
            detail => {
                let detail = format!("{detail}; {more}");
                self.with_detail(detail)
            }
        }
    }

    /// Marks that the program certainly did not start and a later try may succeed.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The message for the operator's log.
    pub(crate) fn log_message(&self) -> &str {
        without_pointer(&self.message)
    }
}

/// What a caller is told of where the detail is.
const POINTER: &str = "; the operator's log says why";

/// A message for the operator's log, which has no need to point at itself.
pub(crate) fn without_pointer(message: &str) -> &str {
    message.strip_suffix(POINTER).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_log_does_not_point_at_itself() {
        let error = |message: &str| Error::new(ErrorCode::SandboxUnavailable, message);
        let pointing = error("the sandbox cannot be built; the operator's log says why");
        assert_eq!(pointing.log_message(), "the sandbox cannot be built");
        assert_eq!(error("no").log_message(), "no");
    }
}
