//! The processes of the sandbox, as the runner's own /proc shows them. It is outside the program's PID namespace, so
//! that it shows every process, and no program can mount anything over it.

use crate::error::{Context, Error};
use rustix::{
    fs::{CWD, Dir, Mode, OFlags, openat},
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    time::Duration,
};

const STEP: &str = "list the session's processes";
/// Clock ticks in a second, which no kernel changes for user space.
const TICKS_PER_SECOND: u64 = 100;

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

    /// All processes of the sandbox.
    pub(crate) fn list(&self) -> Result<Vec<Process>, Error> {
        let mut processes = Vec::new();
        for entry in Dir::read_from(&self.proc).context(STEP)? {
            let entry = entry.context(STEP)?;
            let is_pid = entry.file_name().to_bytes().first().is_some_and(u8::is_ascii_digit);
            let Some(name) = entry.file_name().to_str().ok().filter(|_| is_pid) else { continue };
            if let Some(stat) = self.read(&format!("{name}/stat")).context(STEP)? {
                processes.extend(Process::parse(&stat));
            }
        }
        Ok(processes)
    }

    /// Kills all processes below `root`, but not itself. Processes that they start meanwhile survive: call it again
    /// until it returns that there was none.
    pub(crate) fn kill_below(&self, root: Pid) -> Result<bool, Error> {
        let mut found = false;
        let mut parents = vec![root];
        while let Some(parent) = parents.pop() {
            let pid = parent.as_raw_nonzero();
            // Children of a process's other threads belong to the root once it is dead.
            let children =
                self.read(&format!("{pid}/task/{pid}/children")).context(STEP)?.unwrap_or_default();
            for child in children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
                found = true;
                match kill_process(child, Signal::KILL) {
                    Ok(()) | Err(Errno::SRCH) => parents.push(child),
                    Err(error) => return Err(error).context("kill a process"),
                }
            }
        }
        Ok(found)
    }

    /// Reads a file of a process; none if the process is gone.
    fn read(&self, path: &str) -> io::Result<Option<String>> {
        let mut text = String::new();
        let read = openat(&self.proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|file| File::from(file).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(Some(text)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    [Errno::NOENT, Errno::SRCH].iter().any(|gone| error.raw_os_error() == Some(gone.raw_os_error()))
}

impl Process {
    /// Parses `/proc/PID/stat`: the pid, the name in parentheses, which may contain anything, and then numbers.
    fn parse(stat: &str) -> Option<Self> {
        let pid = stat.split_whitespace().next()?.parse().ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // The first of these fields is the third of proc_pid_stat(5).
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let time = |field| Some(Duration::from_millis(number(field)? * 1000 / TICKS_PER_SECOND));
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            is_zombie: ["Z", "X"].contains(fields.first()?),
            threads: u32::try_from(number(20)?).ok()?,
            pages: number(24)?,
            own_time: time(14)? + time(15)?,
            children_time: time(16)? + time(17)?,
        })
    }
}

/// What the trees below these roots use, without the roots themselves.
pub(crate) fn usage_of_trees(
    processes: &[Process],
    roots: impl IntoIterator<Item = Pid>,
) -> HashMap<Pid, TreeUsage> {
    let parents: HashMap<i32, i32> = processes.iter().map(|process| (process.pid, process.parent)).collect();
    let mut trees: HashMap<i32, (Pid, TreeUsage)> =
        roots.into_iter().map(|root| (root.as_raw_nonzero().get(), (root, TreeUsage::default()))).collect();
    let page = rustix::param::page_size() as u64;
    for process in processes.iter().filter(|process| !process.is_zombie) {
        let mut ancestor = process.parent;
        // A list that was read while processes started and ended may even contain a circle.
        for _ in 0..processes.len() {
            if let Some((_, usage)) = trees.get_mut(&ancestor) {
                usage.processes += 1;
                usage.threads += process.threads;
                usage.memory_bytes += process.pages * page;
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
        let page = rustix::param::page_size() as u64;
        assert_eq!(usage(&list, 10), TreeUsage { processes: 2, threads: 6, memory_bytes: 4 * page });
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
    fn a_circle_of_parents_ends() {
        assert_eq!(usage(&[process(10, 11), process(11, 10)], 12), TreeUsage::default());
    }
}
