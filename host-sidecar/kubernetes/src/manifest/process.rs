//! Identifies a process, so that another process on the same machine can tell whether it is alive.

use cofferdam_core::os::proc_stat::ProcStat;
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use std::{fmt, fs, str::FromStr, sync::OnceLock};

/// A process, unique across machines and restarts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    /// The boot id of the machine, and its PID namespace. Empty if unknown.
    machine: String,
    pid: u32,
    /// Its start, in clock ticks since the boot.
    start: u64,
}

/// A text that identifies no process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedProcess;

impl Process {
    /// This process.
    pub(crate) fn current() -> &'static Self {
        static CURRENT: OnceLock<Process> = OnceLock::new();
        CURRENT.get_or_init(|| Self::of(std::process::id()))
    }

    /// A process of this machine.
    pub(crate) fn of(pid: u32) -> Self {
        Self { machine: this_machine(), pid, start: start_of(pid).unwrap_or_default() }
    }

    /// Whether it certainly has ended. `false` for a process on another machine.
    pub(crate) fn has_ended(&self) -> bool {
        if self.machine.is_empty() || self.machine != this_machine() {
            return false;
        }
        match start_of(self.pid) {
            Some(start) => start != self.start,
            // /proc may hide the processes of other users.
            None => i32::try_from(self.pid).ok().and_then(Pid::from_raw).is_none_or(|pid| {
                test_kill_process(pid) == Err(Errno::SRCH)
                    || ProcStat::of(self.pid).is_some_and(|stat| stat.is_dead)
            }),
        }
    }
}

/// The boot id and the PID namespace, in which a process id is unique; empty if unknown.
fn this_machine() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    if boot.is_empty() || namespace.is_empty() {
        String::new()
    } else {
        format!("{}.{namespace}", boot.trim())
    }
}

/// When a process started; `None` if it has ended.
fn start_of(pid: u32) -> Option<u64> {
    ProcStat::of(pid).filter(|stat| !stat.is_dead).map(|stat| stat.start)
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.machine, self.pid, self.start)
    }
}

impl FromStr for Process {
    type Err = MalformedProcess;

    fn from_str(text: &str) -> Result<Self, MalformedProcess> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(machine), Some(pid), Some(start), None) => Ok(Self {
                machine: machine.into(),
                pid: pid.parse().map_err(|_| MalformedProcess)?,
                start: start.parse().map_err(|_| MalformedProcess)?,
            }),
            _ => Err(MalformedProcess),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_is_alive_and_a_finished_one_has_ended() {
        let current = Process::current();
        assert!(!current.has_ended());
        assert_eq!(current.to_string().parse(), Ok(current.clone()));
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let ended = Process { pid: child.id(), start: start_of(child.id()).unwrap_or(1), ..current.clone() };
        child.wait().expect("an end");
        assert!(ended.has_ended());
    }

    #[test]
    fn a_process_on_another_machine_counts_as_alive() {
        let elsewhere = Process { machine: "elsewhere".into(), pid: 1, start: 0 };
        assert!(!elsewhere.has_ended());
        assert_eq!("x".parse::<Process>(), Err(MalformedProcess));
    }
}
