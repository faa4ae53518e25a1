//! How a sandbox ended, and what that means for the caller.

use super::ExecutionState;
use crate::output_assembler::Corrupt;
use cofferdam_types::{Error, ErrorCode, Status};

/// How the connection to a sandbox ended.
#[derive(Debug)]
pub enum SandboxEnd {
    /// The runner sent its last frame.
    Done,
    /// The runner could not start or follow the program, for this reason.
    Failed(String),
    /// The connection ended before the last frame.
    Disconnected,
    /// A deadline passed.
    TimedOut,
    /// The sandbox exceeded its memory.
    MemoryExceeded,
    /// Part of what the runner sent is lost, for this reason.
    Incomplete(String),
    /// The streamed files did not reach the runner, for this reason.
    FilesFailed(Error),
    /// The runner violated the protocol.
    Corrupt(Corrupt),
}

impl ExecutionState<'_> {
    /// Nothing that a runner which violates the protocol has sent is used, neither before nor after the
    /// violation.
    fn corrupt(&self, corrupt: Corrupt) -> Error {
        let (code, message) = if self.started() {
            (ErrorCode::Internal, "the sandbox violated the protocol; the result is not known")
        } else {
            (ErrorCode::SandboxUnavailable, "the sandbox could not be started; the operator's log says why")
        };
        Error::new(code, message).with_detail(corrupt)
    }

    /// What the end means for the caller.
    pub(super) fn classify(
        &self,
        end: SandboxEnd,
        was_out_of_memory: impl FnOnce() -> bool,
    ) -> Result<Status, Error> {
        let cancelled = self.is_cancelled();
        if let SandboxEnd::Corrupt(corrupt) = end {
            return Err(self.corrupt(corrupt));
        }
        match self.ended {
            Some(_) if self.was_evicted() => return Err(lost()),
            // What the runner has reported of the program counts, whatever happened to the rest.
            Some((status, _)) => return Ok(status),
            None => {}
        }
        match (end, self.started()) {
            (_, false) if cancelled => Err(cancelled_before_start()),
            (SandboxEnd::FilesFailed(error), false) => Err(error),
            // The files cannot be sent any more, and the runner does not say why.
            (SandboxEnd::TimedOut, false) if self.awaits_files && self.cap.is_some() => {
                Err(lost_with_files())
            }
            (SandboxEnd::TimedOut, false) => {
                let error = startup_timeout();
                // Once it is ready, the program may just have started.
                Err(if self.ready { error } else { error.retryable() })
            }
            (SandboxEnd::Failed(reason), false) => {
                let message = format!("the sandbox could not start the program: {reason}");
                Err(Error::new(ErrorCode::SandboxUnavailable, message).with_detail(reason))
            }
            (_, false) if self.awaits_files => Err(lost_with_files()),
            (SandboxEnd::MemoryExceeded, _) => Ok(Status::OutOfMemory),
            (_, true) if was_out_of_memory() => Ok(Status::OutOfMemory),
            (_, true) if cancelled => Ok(Status::Cancelled),
            (SandboxEnd::TimedOut, true) => Ok(Status::TimedOut),
            (SandboxEnd::Failed(reason), true) => Err(lost().with_detail(reason)),
            // Whether the program has started is among what is missing.
            (SandboxEnd::Incomplete(reason), _) => {
                let message = "the connection to the sandbox broke, and part of the program's output was discarded by its \
                               node before it could be read again; the program may have run to its end, but its result is \
                               lost. Have it write less, or run it again if that does no harm";
                Err(Error::new(ErrorCode::Unreachable, message).with_detail(reason))
            }
            (_, true) => Err(lost()),
            (_, false) => {
                let message = "the sandbox could not be started; the operator's log says why";
                Err(Error::new(ErrorCode::SandboxUnavailable, message))
            }
        }
    }
}

/// The caller cancelled the execution before the program started.
#[must_use]
pub fn cancelled_before_start() -> Error {
    Error::new(ErrorCode::Cancelled, "the execution was cancelled before the program started")
}

/// The program did not start within the startup time.
#[must_use]
pub fn startup_timeout() -> Error {
    let message = "the sandbox did not start within the startup time; allow more time, or try again when the load is lower";
    Error::new(ErrorCode::StartupTimeout, message)
}

fn lost_with_files() -> Error {
    let message = "the sandbox ended before it had all files, and the program did not start; files that were read \
                   cannot be sent to another sandbox: send the request again";
    Error::new(ErrorCode::SandboxUnavailable, message).retryable()
}

fn lost() -> Error {
    Error::new(ErrorCode::Evicted, "the sandbox died while the program ran; its result is lost")
}
