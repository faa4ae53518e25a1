//! The processes of a run, by what the kernel says of them: the members of its cgroup, or the launcher and its descendants.
//! A command line or a variable says nothing here: any user can write one.

use super::{cgroup::Cgroup, state::RunDir};
use cofferdam_core::os::proc_stat::ProcStat;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(2);
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// One process among all that there have been since the machine was booted: a pid alone may mean another one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    start: u64,
}

impl Process {
    /// The process that has this pid now.
    pub(super) fn of(pid: u32) -> Option<Self> {
        ProcStat::of(pid).map(|ProcStat { pid, start, .. }| Self { pid, start })
    }

    /// The process that wrote this file: the id of the boot and its own line of `/proc/PID/stat`.
    fn recorded(file: &Path) -> Option<Self> {
        let record = fs::read_to_string(file).ok()?;
        let (boot, stat) = record.split_once(' ')?;
        let ProcStat { pid, start, .. } = stat.parse().ok()?;
        (fs::read_to_string(BOOT_ID).ok()?.trim() == boot).then_some(Self { pid, start })
    }

    fn is_alive(self) -> bool {
        ProcStat::of(self.pid).is_some_and(|stat| stat.start == self.start && !stat.is_dead)
    }

    /// This process and its descendants, as far as they are alive; none once it has ended itself.
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

    /// Bytes of memory that it and its descendants hold and share with no others.
    pub(super) fn held_memory(self) -> io::Result<u64> {
        let private = |pid: u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
        };
        Ok(self.tree()?.into_iter().map(private).sum())
    }
}

/// All processes of a run.
#[derive(Debug, Clone)]
pub(super) struct Processes {
    cgroup: Cgroup,
    /// What the launcher wrote before it became runsc.
    record: PathBuf,
}

impl Processes {
    /// Those of the run with this folder.
    pub(super) fn of(dir: &RunDir) -> Self {
        Self { cgroup: Cgroup::of(dir.id()), record: dir.launcher_record() }
    }

    /// Kills all but the launcher, which then ends by itself and reaps them.
    pub(super) fn kill_started(&self) -> io::Result<()> {
        let launcher = Process::recorded(&self.record);
        kill(self.alive()?.into_iter().filter(|pid| launcher.is_none_or(|launcher| launcher.pid != *pid)));
        Ok(())
    }

    /// Kills all of them, and waits until they are gone.
    pub(super) fn kill_all(&self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let alive = self.alive()?;
            if alive.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("processes {alive:?} do not die")));
            }
            kill(alive.into_iter());
            thread::sleep(LOOK);
        }
    }

    fn alive(&self) -> io::Result<Vec<u32>> {
        if let Some(members) = self.cgroup.members()? {
            return Ok(members);
        }
        // What runsc has started dies with it.
        Process::recorded(&self.record).map_or_else(|| Ok(Vec::new()), Process::tree)
    }
}

fn kill(pids: impl Iterator<Item = u32>) {
    for pid in pids.filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
        // One that is gone by now is what was wanted.
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

    /// A shell with a child of its own, both of which wait; gives the child's pid too.
    fn shell_with_a_child(argument: &str) -> (Child, u32) {
        let script = "sleep 600 & echo $!; wait";
        let mut shell =
            Command::new("sh").args(["-c", script, argument]).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(shell.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        (shell, line.trim().parse().expect("a pid"))
    }

    /// A file that goes with the test.
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
    fn a_process_and_its_descendants_are_killed_and_nobody_who_only_names_them() {
        let (mut ours, child) = shell_with_a_child("ours");
        let record = Record::of(ours.id());
        let (mut stranger, strangers_child) = shell_with_a_child(&record.0.display().to_string());
        let processes = Processes { cgroup: Cgroup::of("run-of-no-cgroup"), record: record.0.clone() };
        assert_eq!(processes.alive().expect("processes"), [ours.id(), child]);
        let reaper = thread::spawn(move || ours.wait());
        processes.kill_all().expect("they die");
        reaper.join().expect("a thread").expect("an end");
        let alive = |pid| ProcStat::of(pid).is_some_and(|stat| !stat.is_dead);
        assert!(!alive(child) && alive(stranger.id()) && alive(strangers_child));
        kill([strangers_child, stranger.id()].into_iter());
        stranger.wait().expect("an end");
    }

    #[test]
    fn only_what_was_started_is_killed_where_the_launcher_is_to_end_by_itself() {
        let (mut launcher, child) = shell_with_a_child("launcher");
        let record = Record::of(launcher.id());
        let processes = Processes { cgroup: Cgroup::of("run-of-no-cgroup"), record: record.0.clone() };
        processes.kill_started().expect("a signal");
        // The shell waits for its child, and ends by itself.
        assert!(launcher.wait().expect("an end").success());
        assert!(ProcStat::of(child).is_none_or(|stat| stat.is_dead));
    }

    #[test]
    fn a_record_of_another_boot_or_of_a_pid_that_is_used_again_names_nobody() {
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
    fn memory_is_that_of_the_process_and_its_descendants() {
        let (mut shell, child) = shell_with_a_child("shell");
        let held = |pid| Process::of(pid).expect("a process").held_memory().expect("/proc");
        assert!(held(child) > 0 && held(shell.id()) > held(child));
        kill([child, shell.id()].into_iter());
        shell.wait().expect("an end");
    }
}
