//! Which process made an object, so that another one on the same machine can tell whether it is still alive.

use cofferdam_core::os::proc_stat::ProcStat;
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use std::{fmt, fs, str::FromStr, sync::OnceLock};

/// A process, among all that have been on any machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// The boot of the machine and the process namespace.
    place: String,
    pid: u32,
    /// In clock ticks since the boot.
    start: u64,
}

/// A text that names no process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MalformedProcess;

impl Process {
    /// This process.
    pub(super) fn current() -> &'static Self {
        static CURRENT: OnceLock<Process> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let pid = std::process::id();
            Self { place: here(), pid, start: start_of(pid).unwrap_or_default() }
        })
    }

    /// Whether it certainly has ended. Of a process elsewhere nothing can be said.
    pub(super) fn is_gone(&self) -> bool {
        if self.place.is_empty() || self.place != here() {
            return false;
        }
        match start_of(self.pid) {
            Some(start) => start != self.start,
            // What another user's /proc hides may be alive all the same.
            None => i32::try_from(self.pid).ok().and_then(Pid::from_raw).is_none_or(|pid| {
                test_kill_process(pid) == Err(Errno::SRCH) || ProcStat::of(self.pid).is_some_and(|stat| stat.is_dead)
            }),
        }
    }
}

/// Where process ids mean what they mean to us; empty if that cannot be told.
fn here() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    if boot.is_empty() || namespace.is_empty() { String::new() } else { format!("{}.{namespace}", boot.trim()) }
}

/// When a process started; none if there is none, or it has ended.
fn start_of(pid: u32) -> Option<u64> {
    ProcStat::of(pid).filter(|stat| !stat.is_dead).map(|stat| stat.start)
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.place, self.pid, self.start)
    }
}

impl FromStr for Process {
    type Err = MalformedProcess;

    fn from_str(text: &str) -> Result<Self, MalformedProcess> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(place), Some(pid), Some(start), None) => Ok(Self {
                place: place.into(),
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
    fn this_process_is_alive_and_one_that_has_ended_is_gone() {
        let current = Process::current();
        assert!(!current.is_gone());
        assert_eq!(current.to_string().parse(), Ok(current.clone()));
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let ended = Process { pid: child.id(), start: start_of(child.id()).unwrap_or(1), ..current.clone() };
        child.wait().expect("an end");
        assert!(ended.is_gone());
    }

    #[test]
    fn of_a_process_elsewhere_nothing_is_said() {
        let elsewhere = Process { place: "elsewhere".into(), pid: 1, start: 0 };
        assert!(!elsewhere.is_gone());
        assert_eq!("x".parse::<Process>(), Err(MalformedProcess));
    }
}
