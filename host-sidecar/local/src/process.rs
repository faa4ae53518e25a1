//! The processes of a sandbox, as the kernel lists them: those of its cgroup, or the launcher and its
//! descendants. Command lines and environment variables are not used: any user can choose them.

use super::{cgroup::Cgroup, state::RunDir};
use cofferdam_core::os::proc_stat::ProcStat;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Time after which killed processes must have exited.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval between two checks whether they have.
const KILL_INTERVAL: Duration = Duration::from_millis(2);
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A process, identified by its PID and its start time: the kernel reuses PIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    start: u64,
}

impl Process {
    /// The process that has this PID now.
    pub(super) fn of(pid: u32) -> Option<Self> {
        ProcStat::of(pid).map(|ProcStat { pid, start, .. }| Self { pid, start })
    }

    /// The process that wrote this file: the boot ID and its own line of `/proc/PID/stat`.
    fn recorded(file: &Path) -> Option<Self> {
        let record = fs::read_to_string(file).ok()?;
        let (boot, stat) = record.split_once(' ')?;
        let ProcStat { pid, start, .. } = stat.parse().ok()?;
        (fs::read_to_string(BOOT_ID).ok()?.trim() == boot).then_some(Self { pid, start })
    }

    fn is_alive(self) -> bool {
        ProcStat::of(self.pid).is_some_and(|stat| stat.start == self.start && !stat.is_dead)
    }

    /// The PIDs of this process and its living descendants; none if this process is dead.
    fn tree(self) -> io::Result<Vec<u32>> {
        if !self.is_alive() {
            return Ok(Vec::new());
        }
        let names = fs::read_dir("/proc")?.flatten().map(|entry| entry.file_name());
        let pids = names.filter_map(|name| name.to_str()?.parse().ok());
        let stats: Vec<ProcStat> = pids.filter_map(ProcStat::of).filter(|stat| !stat.is_dead).collect();
        let mut tree = vec![self.pid];
        let mut next = 0;
        while let Some(&parent) = tree.get(next) {
            tree.extend(stats.iter().filter(|stat| stat.parent == parent).map(|stat| stat.pid));
            next += 1;
        }
        Ok(tree)
    }

    /// Bytes of anonymous memory of this process and its descendants.
    pub(super) fn anonymous_memory(self) -> io::Result<u64> {
        Ok(self.tree()?.into_iter().map(anonymous_memory).sum())
    }
}

/// Bytes of anonymous memory of a process; 0 if it is dead. Source: proc(5), `/proc/PID/status`.
fn anonymous_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

/// All processes of a sandbox.
#[derive(Debug, Clone)]
pub(super) struct Processes {
    cgroup: Cgroup,
    /// The file that the launcher wrote before it became runsc.
    record: PathBuf,
}

impl Processes {
    /// The processes of the sandbox with this directory.
    pub(super) fn of(dir: &RunDir) -> Self {
        Self { cgroup: Cgroup::of(dir.id()), record: dir.launcher_record() }
    }

    /// Kills all except the launcher, which then reaps them and exits.
    pub(super) fn kill_descendants(&self) -> io::Result<()> {
        let launcher = Process::recorded(&self.record);
        kill(self.alive()?.into_iter().filter(|pid| launcher.is_none_or(|launcher| launcher.pid != *pid)));
        Ok(())
    }

    /// Kills all processes and waits until they have exited.
    pub(super) fn kill_all(&self) -> io::Result<()> {
        let deadline = Instant::now() + KILL_TIMEOUT;
        // Once the launcher has exited, its descendants are found by themselves alone.
        let mut found: Vec<Process> = Vec::new();
        loop {
            found.retain(|process| process.is_alive());
            for process in self.alive()?.into_iter().filter_map(Process::of) {
                if !found.contains(&process) {
                    found.push(process);
                }
            }
            if found.is_empty() {
                return Ok(());
            }
            let pids = found.iter().map(|process| process.pid);
            if Instant::now() >= deadline {
                let pids: Vec<u32> = pids.collect();
                let message = format!("the processes {pids:?} did not exit after SIGKILL");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            kill(pids);
            thread::sleep(KILL_INTERVAL);
        }
    }

    fn alive(&self) -> io::Result<Vec<u32>> {
        if let Some(pids) = self.cgroup.pids()? {
            return Ok(pids);
        }
        // The processes that runsc started exit when it does.
        Process::recorded(&self.record).map_or_else(|| Ok(Vec::new()), Process::tree)
    }
}

fn kill(pids: impl Iterator<Item = u32>) {
    for pid in pids.filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
        // A process that has already exited is no error.
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        process::{Child, Command, Stdio},
    };

    /// Starts a shell with a child process. Both sleep. Also returns the child's PID.
    fn shell_with_child(argument: &str) -> (Child, u32) {
        let script = "sleep 600 & echo $!; wait";
        let mut shell = Command::new("sh")
            .args(["-c", script, argument])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        BufReader::new(shell.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        (shell, line.trim().parse().expect("a pid"))
    }

    /// A launcher's record, deleted at the end of the test.
    struct Record(PathBuf);

    impl Record {
        fn with(text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("cofferdam-test-{}", uuid::Uuid::new_v4().simple()));
            fs::write(&path, text).expect("a file");
            Self(path)
        }

        fn of(pid: u32) -> Self {
            let boot = fs::read_to_string(BOOT_ID).expect("a boot id");
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
            Self::with(&format!("{} {stat}", boot.trim()))
        }
    }

    impl Drop for Record {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_process_and_its_descendants_are_killed_and_no_process_that_only_names_them() {
        let (mut own, child) = shell_with_child("own");
        let record = Record::of(own.id());
        let (mut foreign, foreign_child) = shell_with_child(&record.0.display().to_string());
        let processes = Processes { cgroup: Cgroup::of("run-of-no-cgroup"), record: record.0.clone() };
        assert_eq!(processes.alive().expect("processes"), [own.id(), child]);
        let reaper = thread::spawn(move || own.wait());
        processes.kill_all().expect("killed");
        reaper.join().expect("a thread").expect("an exit status");
        let alive = |pid| ProcStat::of(pid).is_some_and(|stat| !stat.is_dead);
        assert!(!alive(child) && alive(foreign.id()) && alive(foreign_child));
        kill([foreign_child, foreign.id()].into_iter());
        foreign.wait().expect("an exit status");
    }

    #[test]
    fn descendants_are_killed_and_the_launcher_exits() {
        let (mut launcher, child) = shell_with_child("launcher");
        let record = Record::of(launcher.id());
        let processes = Processes { cgroup: Cgroup::of("run-of-no-cgroup"), record: record.0.clone() };
        processes.kill_descendants().expect("a signal");
        // The shell waits for its child and then exits.
        assert!(launcher.wait().expect("an exit status").success());
        assert!(ProcStat::of(child).is_none_or(|stat| stat.is_dead));
    }

    #[test]
    fn a_record_of_another_boot_or_of_a_reused_pid_matches_no_process() {
        let own = std::process::id();
        let stat = fs::read_to_string(format!("/proc/{own}/stat")).expect("a process");
        assert_eq!(Process::recorded(&Record::of(own).0), Process::of(own));
        for text in [format!("another-boot {stat}"), String::new()] {
            assert_eq!(Process::recorded(&Record::with(&text).0), None, "{text}");
        }
        let Process { pid, start } = Process::of(own).expect("a process");
        assert!(Process { pid, start: start + 1 }.tree().expect("/proc").is_empty());
    }

    #[test]
    fn memory_includes_the_descendants() {
        let (mut shell, child) = shell_with_child("shell");
        let memory = |pid| Process::of(pid).expect("a process").anonymous_memory().expect("/proc");
        assert!(memory(child) > 0 && memory(shell.id()) > memory(child));
        kill([child, shell.id()].into_iter());
        shell.wait().expect("an exit status");
    }
}
