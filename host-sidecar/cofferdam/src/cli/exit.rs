//! Exit codes, as shells, `timeout` and container engines have them.

use cofferdam_types::Status;
use signal_hook::low_level::signal_name;

/// The program was not run.
pub(super) const NOT_RUN: u8 = 125;
/// The program succeeded, and not all of its results could be written.
pub(super) const INCOMPLETE: u8 = 1;
/// Standard output was closed by its reader: 128 + SIGPIPE.
pub(super) const READER_LEFT: u8 = 141;

/// The exit code of an execution. `interrupt` is the signal that this process received, if it cancelled the
/// execution.
pub(super) fn code(status: Status, interrupt: Option<i32>) -> u8 {
    match (status, interrupt) {
        (Status::Cancelled, Some(signal)) => u8::try_from(signal).unwrap_or_default().saturating_add(128),
        _ => status.exit_code(),
    }
}

/// Why the program ended, unless it exited by itself.
pub(super) fn remark(status: Status) -> Option<String> {
    let remark = match status {
        Status::Exited(_) => return None,
        Status::Killed(signal) => {
            return Some(format!("the program was killed by signal {signal}{}", name(signal)));
        }
        Status::TimedOut => "the program was killed: it exceeded its time limit (--timeout)",
        Status::OutOfMemory => "the program was killed: it exceeded its memory limit (--memory)",
        Status::OutOfDisk(_) => "the program failed: its disk was full (--disk)",
        Status::OutOfProcesses => {
            "the program was killed: it exceeded its limit of processes and threads (--processes)"
        }
        Status::Cancelled => "the program was killed: the execution was cancelled",
    };
    Some(remark.into())
}

fn name(signal: u8) -> String {
    let known = signal_name(signal.into());
    known
        .map(
            |name| {
                if name == "SIGSEGV" {
                    " (SIGSEGV, a segmentation fault)".into()
                } else {
                    format!(" ({name})")
                }
            },
        )
        .unwrap_or_default()
}
