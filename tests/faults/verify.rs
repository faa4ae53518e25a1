//! The guarantees of a run, whatever faults it met. No I/O.

use super::program::Program;
use cofferdam::types::{Error, ErrorCode, Report, Status};

/// Bytes of output that no node discards: even a log that contains all of it twice is not rotated.
const ALWAYS_KEPT: usize = super::ROTATION / 3;

/// The first guarantee that is violated. `node_may_lose_output` is set if a program of the node was
/// restarted.
pub(crate) fn violation(
    program: &Program,
    result: &Result<Report, Error>,
    executions: usize,
    node_may_lose_output: bool,
) -> Option<String> {
    if let Some(violation) = repeated_execution(executions) {
        return Some(violation);
    }
    match result {
        Ok(report) => {
            let output = program.output();
            let stdout = &report.stdout.bytes;
            let is_correct = match report.status {
                Status::Exited(code) => code == program.exits && stdout == output.as_bytes(),
                Status::Cancelled => output.as_bytes().starts_with(stdout),
                // The program stays within all limits and gets no signal.
                _ => false,
            };
            let status = report.status;
            (!is_correct || executions == 0).then(|| {
                format!("{status:?} with {} bytes of {program:?}, executed {executions} times", stdout.len())
            })
        }
        Err(error) if error.retryable && executions > 0 => {
            Some(format!("the error is retryable, but the program was executed: {error:?}"))
        }
        // An external fault must not be reported as internal.
        Err(error) if error.code == ErrorCode::Internal => {
            Some(format!("executed {executions} times: {error:?}"))
        }
        Err(error)
            if is_output_lost(error) && !node_may_lose_output && program.output().len() <= ALWAYS_KEPT =>
        {
            Some(format!("the output of {program:?} was lost: {error:?}"))
        }
        Err(_) => None,
    }
}

/// Whether the error says that the node has discarded part of the output.
pub(crate) fn is_output_lost(error: &Error) -> bool {
    error.detail.as_ref().is_some_and(|detail| detail.contains("log lacks some"))
}

/// The violation if a program was executed more than once.
pub(crate) fn repeated_execution(executions: usize) -> Option<String> {
    (executions > 1).then(|| format!("the program was executed {executions} times"))
}
