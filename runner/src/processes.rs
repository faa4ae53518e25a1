//! The processes of the sandbox, as the runner's own /proc shows them. It is outside the program's PID namespace, so
//! that it shows every process, and no program can mount anything over it.

use crate::error::{Context, Error};
use rustix::{
    fs::{CWD, Dir, Mode, OFlags, openat},
    io::Errno,
    process::{Pid, Signal, kill_process},
    system::sysinfo,
};
use std::{
    collections::HashMap,
    io,
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

const STEP: &str = "list the session's processes";
/// Clock ticks in a second, which no kernel changes for user space.
const TICKS_PER_SECOND: u64 = 100;
/// Bytes of a page of memory in gVisor.
const PAGE_BYTES: u64 = 4096;

/// How long to look at processes that run. Those of a fork bomb have to be stopped.
const PATIENCE: Duration = Duration::from_millis(100);
/// Between two attempts to stop all processes, and how many there are.
const ROUND: Duration = Duration::from_millis(1);
const MAX_ROUNDS: u32 = 20;
/// What kill(2) takes for every process that this one may signal, except itself.
const EVERY_OTHER: nix::unistd::Pid = nix::unistd::Pid::from_raw(-1);

/// The runner's own /proc.
#[derive(Debug)]
pub(crate) struct Processes {
    proc: OwnedFd,
}

/// A process, from its line in `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// Whether it has terminated, and its parent has not waited for it.
    pub(crate) is_zombie: bool,
    pub(crate) threads: u32,
    /// Resident pages of memory.
    pub(crate) pages: u64,
    /// Processor time of its own and of the children that it has waited for.
    pub(crate) own_time: Duration,
    pub(crate) children_time: Duration,
}

/// What a tree of processes uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TreeUsage {
    pub(crate) processes: u32,
    pub(crate) threads: u32,
    pub(crate) memory_bytes: u64,
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
        let started = Instant::now();
        let mut list =
            List { processes: Vec::new(), stopped: if stop { Some(Stopped::all()?) } else { None } };
        let (mut path, mut stat) = (String::new(), Vec::new());
        for entry in Dir::read_from(&self.proc).context(STEP)? {
            let entry = entry.context(STEP)?;
            let is_pid = entry.file_name().to_bytes().first().is_some_and(u8::is_ascii_digit);
            let Some(name) = entry.file_name().to_str().ok().filter(|_| is_pid) else { continue };
            if list.stopped.is_none() && started.elapsed() > PATIENCE {
                list.stopped = Some(Stopped::all()?);
                // Those that have started meanwhile are missing.
                return self.list(false).map(|other| List { stopped: list.stopped, ..other });
            }
            path.clear();
            path.push_str(name);
            path.push_str("/stat");
            if self.read(&path, &mut stat).context(STEP)? {
                list.processes.extend(Process::parse(&String::from_utf8_lossy(&stat)));
            }
        }
        Ok(list)
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

    /// Kills all processes below `root`, but not itself. Processes that they start meanwhile survive: call it again
    /// until it returns that there was none. After some time, say since when: then all processes of the sandbox are
    /// stopped meanwhile.
    pub(crate) fn kill_below(&self, root: Pid, since: Instant) -> Result<bool, Error> {
        if since.elapsed() > PATIENCE {
            return self.list(true)?.kill_below(root);
        }
        let mut found = false;
        let mut parents = vec![root];
        // Children of a process's other threads belong to the root once it is dead.
        while let Some(parent) = parents.pop() {
            for child in self.children(parent)? {
                found = true;
                kill(child)?;
                parents.push(child);
            }
            if since.elapsed() > PATIENCE {
                return Ok(true);
            }
        }
        Ok(found)
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

/// A list of processes.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) processes: Vec<Process>,
    stopped: Option<Stopped>,
}

impl List {
    /// Kills all processes of the list below `root`. Returns whether there was any.
    pub(crate) fn kill_below(&self, root: Pid) -> Result<bool, Error> {
        let below = below(&self.processes, root);
        below.iter().try_for_each(|pid| kill(*pid))?;
        Ok(!below.is_empty())
    }
}

/// All processes of the sandbox but this one are stopped, until this is dropped. A fork bomb takes all processor
/// time: without this, a call of the runner can take a second.
#[derive(Debug)]
struct Stopped;

impl Stopped {
    fn all() -> Result<Self, Error> {
        let stopped = Self;
        let mut known = 0;
        for _ in 0..MAX_ROUNDS {
            nix::sys::signal::kill(EVERY_OTHER, nix::sys::signal::SIGSTOP).context("stop the processes")?;
            // A process that is being started is not stopped with its parent.
            thread::sleep(ROUND);
            let processes = sysinfo().procs;
            if processes == known {
                break;
            }
            known = processes;
        }
        Ok(stopped)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It fails only if there is no other process.
        let _ = nix::sys::signal::kill(EVERY_OTHER, nix::sys::signal::SIGCONT);
    }
}

/// Kills a process, unless it is gone.
fn kill(pid: Pid) -> Result<(), Error> {
    match kill_process(pid, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("kill a process"),
    }
}

impl Process {
    /// Parses `/proc/PID/stat`: the pid, the name in parentheses, which may contain anything, and then numbers.
    fn parse(stat: &str) -> Option<Self> {
        let pid = stat.split_whitespace().next()?.parse().ok()?;
        // The first of these fields is the third of proc_pid_stat(5).
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let mut number = |skipped| fields.nth(skipped)?.parse::<u64>().ok();
        let [user, system, children_user, children_system] = [number(9)?, number(0)?, number(0)?, number(0)?];
        let time = |ticks: u64| Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND);
        Some(Self {
            pid,
            parent,
            is_zombie: ["Z", "X"].contains(&state),
            threads: u32::try_from(number(2)?).ok()?,
            pages: number(3)?,
            own_time: time(user + system),
            children_time: time(children_user + children_system),
        })
    }
}

/// The processes below this one.
fn below(processes: &[Process], root: Pid) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process.pid);
    }
    let mut below = Vec::new();
    let mut parents = vec![root.as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        // Each parent once, even if the list contains a circle.
        let children = children.remove(&parent).unwrap_or_default();
        below.extend(children.iter().filter_map(|pid| Pid::from_raw(*pid)));
        parents.extend(children);
    }
    below
}

/// What the trees below these roots use, without the roots themselves.
pub(crate) fn usage_of_trees(
    processes: &[Process],
    roots: impl IntoIterator<Item = Pid>,
) -> HashMap<Pid, TreeUsage> {
    let parents: HashMap<i32, i32> = processes.iter().map(|process| (process.pid, process.parent)).collect();
    let mut trees: HashMap<i32, (Pid, TreeUsage)> =
        roots.into_iter().map(|root| (root.as_raw_nonzero().get(), (root, TreeUsage::default()))).collect();
    for process in processes.iter().filter(|process| !process.is_zombie) {
        let mut ancestor = process.parent;
        // A list that was read while processes started and ended may even contain a circle.
        for _ in 0..processes.len() {
            if let Some((_, usage)) = trees.get_mut(&ancestor) {
                usage.processes += 1;
                usage.threads += process.threads;
                usage.memory_bytes += process.pages * PAGE_BYTES;
                break;
            }
            let Some(next) = parents.get(&ancestor) else { break };
            ancestor = *next;
        }
    }
    trees.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a ) Z 7 (b)) S 9 42 42 0 0 0 0 0 0 0 150 25 300 1 20 0 3 0 77 8192 11 18446744073709551615 0 0 0\n";

    fn process(pid: i32, parent: i32) -> Process {
        let zero = Duration::ZERO;
        Process { pid, parent, is_zombie: false, threads: 1, pages: 1, own_time: zero, children_time: zero }
    }

    fn usage(processes: &[Process], root: i32) -> TreeUsage {
        let root = Pid::from_raw(root).expect("a pid");
        usage_of_trees(processes, [root])[&root]
    }

    #[test]
    fn a_process_is_parsed_whatever_its_name_is() {
        let process = Process::parse(STAT).expect("a process");
        let expected = Process {
            pid: 42,
            parent: 9,
            is_zombie: false,
            threads: 3,
            pages: 11,
            own_time: Duration::from_millis(1750),
            children_time: Duration::from_millis(3010),
        };
        assert_eq!(process, expected);
        assert!(Process::parse(&STAT.replace(") S", ") Z")).expect("a process").is_zombie);
        for broken in ["", "42", "42 (a", "42 (a) S", "x (a) S 9 42"] {
            assert_eq!(Process::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_tree_has_all_descendants_without_its_root_and_without_zombies() {
        let mut list = vec![process(2, 1), process(10, 1), process(11, 10), process(12, 11), process(20, 2)];
        list[3].threads = 5;
        list[3].pages = 3;
        list.push(Process { is_zombie: true, ..process(13, 11) });
        assert_eq!(usage(&list, 10), TreeUsage { processes: 2, threads: 6, memory_bytes: 4 * PAGE_BYTES });
        assert_eq!(usage(&list, 2).processes, 1);
        assert_eq!(usage(&list, 12), TreeUsage::default());
    }

    #[test]
    fn a_process_belongs_to_the_nearest_root() {
        let list = [process(10, 1), process(11, 10), process(12, 11)];
        let roots = [10, 11].map(|root| Pid::from_raw(root).expect("a pid"));
        let trees = usage_of_trees(&list, roots);
        assert_eq!((trees[&roots[0]].processes, trees[&roots[1]].processes), (1, 1));
    }

    #[test]
    fn all_processes_below_one_are_found() {
        let list = [process(2, 1), process(10, 1), process(11, 10), process(12, 11), process(20, 2)];
        let below = |root| {
            let mut below: Vec<i32> = super::below(&list, Pid::from_raw(root).expect("a pid"))
                .into_iter()
                .map(|pid| pid.as_raw_nonzero().get())
                .collect();
            below.sort_unstable();
            below
        };
        assert_eq!((below(10), below(1), below(12)), (vec![11, 12], vec![2, 10, 11, 12, 20], vec![]));
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let circle = [process(10, 11), process(11, 10)];
        assert_eq!(usage(&circle, 12), TreeUsage::default());
        assert_eq!(below(&circle, Pid::from_raw(10).expect("a pid")).len(), 2);
    }
}
