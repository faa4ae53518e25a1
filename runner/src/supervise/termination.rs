//! How the program's first process terminated.

use cofferdam_protocol::Termination;
use nix::sys::signal::Signal;
use rustix::process::{Pid, WaitOptions, waitpid};
use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
};

const SIGKILL: i32 = Signal::SIGKILL as i32;

/// The exit status of the child, if it has exited. A parent is notified as well when a traced child stops,
/// which `Child::try_wait` takes for an exit.
pub(super) fn try_wait(child: &Child) -> io::Result<Option<ExitStatus>> {
    while let Some((_, status)) = waitpid(Some(Pid::from_child(child)), WaitOptions::NOHANG)? {
        if status.exited() || status.signaled() {
            return Ok(Some(ExitStatus::from_raw(status.as_raw())));
        }
    }
    Ok(None)
}

/// Classifies the exit status. `kill_reason` applies only if the runner's kill is what terminated the
/// program.
pub(crate) fn classify(
    status: ExitStatus,
    kill_reason: Option<Termination>,
    disk_was_full: bool,
) -> Termination {
    let byte = |number: i32| number.to_le_bytes()[0];
    match (status.code(), status.signal(), kill_reason) {
        (None, Some(SIGKILL), Some(reason)) => reason,
        (Some(0), ..) => Termination::Exited(0),
        (Some(_), _, Some(Termination::OutOfProcesses)) => Termination::OutOfProcesses,
        (Some(code), ..) if disk_was_full => Termination::OutOfDisk(byte(code)),
        (_, Some(signal), _) if disk_was_full => Termination::OutOfDisk(byte(128 + signal)),
        (Some(code), ..) => Termination::Exited(byte(code)),
        (_, signal, _) => Termination::Killed(byte(signal.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_by_the_runner_is_distinguished_from_the_programs_own_exit() {
        let (code, signal) = (|code: i32| ExitStatus::from_raw(code << 8), ExitStatus::from_raw);
        for (status, kill_reason, disk_was_full, expected) in [
            (code(0), None, false, Termination::Exited(0)),
            (code(3), None, false, Termination::Exited(3)),
            (signal(9), None, false, Termination::Killed(9)),
            (signal(9), Some(Termination::TimedOut), false, Termination::TimedOut),
            (signal(9), Some(Termination::OutOfMemory), true, Termination::OutOfMemory),
            (code(0), Some(Termination::TimedOut), false, Termination::Exited(0)),
            (signal(11), Some(Termination::Cancelled), false, Termination::Killed(11)),
            (code(1), Some(Termination::OutOfProcesses), false, Termination::OutOfProcesses),
            (code(0), None, true, Termination::Exited(0)),
            (code(1), None, true, Termination::OutOfDisk(1)),
            (signal(7), None, true, Termination::OutOfDisk(135)),
        ] {
            let termination = classify(status, kill_reason, disk_was_full);
            assert_eq!(termination, expected, "{status:?} {kill_reason:?} {disk_was_full}");
        }
    }
}
