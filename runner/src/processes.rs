//! The processes of the sandbox, as the runner's own /proc shows them. It is outside the program's PID namespace, so
//! that it shows every process, and no program can mount anything over it.

mod stopped;
mod tree;

pub(crate) use tree::{Process, TreeUsage, usage_of_trees};

use crate::error::{Context, Error};
use rustix::{
    fs::{CWD, Dir, Mode, OFlags, openat},
    io::Errno,
    process::{Pid, Signal, getpid, kill_process},
};
use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};
use stopped::Stopped;

const STEP: &str = "list the session's processes";
/// How long to look at processes that run. Those of a fork bomb have to be stopped.
const MAX_TIME: Duration = Duration::from_millis(100);
/// After this time, processes are stopped that survive each attempt to kill them.
const MAX_EVASION: Duration = Duration::from_millis(250);
/// How often a list is read until all of it have stopped.
const MAX_ROUNDS: u32 = 20;

/// The runner's own /proc.
#[derive(Debug)]
pub(crate) struct Processes {
    proc: OwnedFd,
}

impl Processes {
    /// Opens /proc. Call this before the init mounts the program's over it.
    pub(crate) fn open() -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { proc: openat(CWD, "/proc", flags, Mode::empty()).context("open /proc")? })
    }

    /// All processes of the sandbox. If there are so many that listing them takes long, or if `stop` is set, they are
    /// stopped until the list is dropped.
    pub(crate) fn list(&self, stop: bool) -> Result<List, Error> {
        if !stop && let Some(processes) = self.read_all(Some(MAX_TIME))? {
            return Ok(List { processes, stopped: None });
        }
        let (stopped, runner) = (Stopped::all()?, getpid().as_raw_nonzero().get());
        for _ in 1..MAX_ROUNDS {
            let processes = self.read_all(None)?.unwrap_or_default();
            if processes.iter().filter(|process| process.pid != runner).all(|process| process.has_stopped) {
                return Ok(List { processes, stopped: Some(stopped) });
            }
            stopped.stop_new()?;
        }
        let processes = self.read_all(None)?.unwrap_or_default();
        Ok(List { processes, stopped: Some(stopped) })
    }

    /// Reads all processes; none if that takes longer than `max_time`.
    fn read_all(&self, max_time: Option<Duration>) -> Result<Option<Vec<Process>>, Error> {
        let started = Instant::now();
        let (mut processes, mut path, mut stat) = (Vec::new(), String::new(), Vec::new());
        for entry in Dir::read_from(&self.proc).context(STEP)? {
            let entry = entry.context(STEP)?;
            let is_pid = entry.file_name().to_bytes().first().is_some_and(u8::is_ascii_digit);
            let Some(name) = entry.file_name().to_str().ok().filter(|_| is_pid) else { continue };
            if max_time.is_some_and(|max_time| started.elapsed() > max_time) {
                return Ok(None);
            }
            path.clear();
            path.push_str(name);
            path.push_str("/stat");
            if self.read(&path, &mut stat).context(STEP)? {
                processes.extend(Process::parse(&String::from_utf8_lossy(&stat)));
            }
        }
        // gVisor may list some twice while others start.
        processes.sort_unstable_by_key(|process| process.pid);
        processes.dedup_by_key(|process| process.pid);
        Ok(Some(processes))
    }

    /// The children of a process with one thread.
    pub(crate) fn children(&self, parent: Pid) -> Result<Vec<Pid>, Error> {
        let (pid, mut text) = (parent.as_raw_nonzero(), Vec::new());
        self.read(&format!("{pid}/task/{pid}/children"), &mut text).context(STEP)?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect())
    }

    /// Whether a process is stopped.
    pub(crate) fn is_stopped(&self, pid: Pid) -> Result<bool, Error> {
        let mut stat = Vec::new();
        self.read(&format!("{}/stat", pid.as_raw_nonzero()), &mut stat).context(STEP)?;
        Ok(String::from_utf8_lossy(&stat).rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T")))
    }

    /// Kills all processes below `root`, but not itself, since this time. Processes that they start meanwhile survive:
    /// call it again until there was none.
    pub(crate) fn kill_below(&self, root: Pid, since: Instant) -> Result<Attempt, Error> {
        if since.elapsed() > MAX_TIME {
            return self.list(since.elapsed() > MAX_EVASION)?.kill_below(root);
        }
        let (mut found, mut parents) = (0, vec![root]);
        // Children of a process's other threads belong to the root once it is dead.
        while let Some(parent) = parents.pop() {
            for child in self.children(parent)? {
                found += 1;
                kill(child)?;
                parents.push(child);
            }
            if since.elapsed() > MAX_TIME {
                break;
            }
        }
        Ok(Attempt { alive: found, is_complete: false })
    }

    /// Reads a file of a process into `text`, with few calls. Returns false if the process is gone.
    fn read(&self, path: &str, text: &mut Vec<u8>) -> io::Result<bool> {
        text.clear();
        let mut buffer = [0; 4096];
        let read =
            openat(&self.proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).and_then(|file| {
                loop {
                    let length = rustix::io::read(&file, &mut buffer)?;
                    text.extend_from_slice(&buffer[..length]);
                    if length < buffer.len() {
                        return Ok(());
                    }
                }
            });
        match read {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// An attempt to kill processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// How many were found.
    pub(crate) alive: usize,
    /// Whether they were stopped meanwhile, so that none of them can have started another.
    pub(crate) is_complete: bool,
}

/// A list of processes.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) processes: Vec<Process>,
    /// They are stopped until the list is dropped.
    stopped: Option<Stopped>,
}

impl List {
    /// Kills all processes of the list below `root`.
    pub(crate) fn kill_below(&self, root: Pid) -> Result<Attempt, Error> {
        let below = tree::below(&self.processes, root);
        below.iter().try_for_each(|pid| kill(*pid))?;
        Ok(Attempt { alive: below.len(), is_complete: self.stopped.is_some() })
    }
}

/// Kills a process, unless it is gone.
fn kill(pid: Pid) -> Result<(), Error> {
    match kill_process(pid, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("kill a process"),
    }
}
