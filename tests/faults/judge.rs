//! What must hold of a run, whatever befell it. Pure.

use super::program::Program;
use cofferdam::types::{Error, ErrorCode, Report, Status};

/// Bytes of output of which no node discards any: even when all of its log is written twice, that is no reason to put it aside.
const ALWAYS_KEPT: usize = super::ROTATION / 3;

/// What does not hold, if anything. `node_may_lose` says that a program of the node was ended, and with it perhaps some output.
pub(crate) fn violation(
    program: &Program,
    result: &Result<Report, Error>,
    executions: usize,
    node_may_lose: bool,
) -> Option<String> {
    if let Some(violation) = is_executed_too_often(executions) {
        return Some(violation);
    }
    match result {
        Ok(report) => {
            let output = program.output();
            let came = &report.stdout.bytes;
            let is_true = match report.status {
                Status::Exited(code) => code == program.exits && came == output.as_bytes(),
                Status::Cancelled => output.as_bytes().starts_with(came),
                // It takes little time, memory, disk and processes, and no signal.
                _ => false,
            };
            let status = report.status;
            (!is_true || executions == 0)
                .then(|| format!("{status:?} with {} bytes of {program:?} executed {executions} times", came.len()))
        }
        Err(error) if error.retryable && executions > 0 => Some(format!("may be tried again, but was run: {error:?}")),
        // Whatever befalls a run from outside is no fault of the executor.
        Err(error) if error.code == ErrorCode::Internal => Some(format!("executed {executions} times: {error:?}")),
        Err(error) if is_output_lost(error) && !node_may_lose && program.output().len() <= ALWAYS_KEPT => {
            Some(format!("the output of {program:?} was lost: {error:?}"))
        }
        Err(_) => None,
    }
}

/// Whether it says that the node has discarded some of the output.
pub(crate) fn is_output_lost(error: &Error) -> bool {
    error.detail.as_ref().is_some_and(|detail| detail.contains("log lacks some"))
}

/// The same of one whose answer nobody has.
pub(crate) fn is_executed_too_often(executions: usize) -> Option<String> {
    (executions > 1).then(|| format!("it was executed {executions} times"))
}
