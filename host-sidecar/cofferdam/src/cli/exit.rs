//! Exit codes, as shells, `timeout` and container engines have them.

use cofferdam_types::Status;
use signal_hook::low_level::signal_name;

/// The program was not run.
pub(super) const NOT_RUN: u8 = 125;
/// The program succeeded, and not all that came of it could be handed on.
pub(super) const INCOMPLETE: u8 = 1;
/// Nobody reads standard output any more: as if SIGPIPE had come.
pub(super) const READER_LEFT: u8 = 141;

/// The exit code of a run. `interrupt` is the signal that this process received, if it cancelled the
/// execution.
pub(super) fn code(status: Status, interrupt: Option<i32>) -> u8 {
    match (status, interrupt) {
        (Status::Cancelled, Some(signal)) => u8::try_from(signal).unwrap_or_default().saturating_add(128),
        _ => status.exit_code(),
    }
}

/// What a person has to know beside the program's own output.
pub(super) fn remark(status: Status) -> Option<String> {
    let remark = match status {
        Status::Exited(_) => return None,
        Status::Killed(signal) => return Some(format!("the program was killed by signal {signal}{}", name(signal))),
        Status::TimedOut => "the program was killed: it ran longer than it may (--timeout)",
        Status::OutOfMemory => "the program was killed: it needed more memory than it may use (--memory)",
        Status::OutOfDisk(_) => "the program failed after it had filled its disk (--disk)",
        Status::OutOfProcesses => "the program was killed: it had more processes and threads than it may (--processes)",
        Status::Cancelled => "the program was killed: the run was interrupted",
    };
    Some(remark.into())
}

fn name(signal: u8) -> String {
    let known = signal_name(signal.into());
    known
        .map(|name| if name == "SIGSEGV" { " (SIGSEGV, a segmentation fault)".into() } else { format!(" ({name})") })
        .unwrap_or_default()
}
