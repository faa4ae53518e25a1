//! Exit codes, as shells, `timeout` and container engines have them.

use crate::component::types::Status;

/// The program was not run.
pub(super) const NOT_RUN: u8 = 125;
const TIMED_OUT: u8 = 124;
const SIGINT: i32 = 2;
/// As if SIGKILL had come from outside.
const KILLED: u8 = 137;

/// The exit code that stands for how the program ended; `signal` is the one that interrupted us.
pub(super) fn code(status: &Status, signal: Option<i32>) -> u8 {
    match status {
        Status::Exited(code) | Status::OutOfDisk(code) => *code,
        Status::Killed(signal) => signal.saturating_add(128),
        Status::TimedOut => TIMED_OUT,
        Status::OutOfMemory | Status::OutOfProcesses => KILLED,
        Status::Cancelled => u8::try_from(signal.unwrap_or(SIGINT)).unwrap_or_default().saturating_add(128),
    }
}

/// What a person has to know beside the program's own output.
pub(super) fn remark(status: &Status) -> Option<&'static str> {
    match status {
        Status::Exited(_) | Status::Killed(_) => None,
        Status::TimedOut => Some("the program was killed: it ran longer than it may (--timeout)"),
        Status::OutOfMemory => Some("the program was killed: it needed more memory than it may use (--memory)"),
        Status::OutOfDisk(_) => Some("the program failed after it had filled its disk (--disk)"),
        Status::OutOfProcesses => {
            Some("the program was killed: it had more processes and threads than it may (--processes)")
        }
        Status::Cancelled => Some("the program was killed: the run was interrupted"),
    }
}
