//! What must hold of a run, whatever befell it. Pure.

use super::program::Program;
use cofferdam::execution::{Error, Report, Status};

/// What does not hold, if anything.
pub(crate) fn violation(program: &Program, result: &Result<Report, Error>, executions: usize) -> Option<String> {
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
        Err(_) => None,
    }
}

/// The same of one whose answer nobody has.
pub(crate) fn is_executed_too_often(executions: usize) -> Option<String> {
    (executions > 1).then(|| format!("it was executed {executions} times"))
}
