//! Trees of processes: parsed, and what they use.

use rustix::process::Pid;
use std::{collections::HashMap, time::Duration};

/// Clock ticks in a second, which no kernel changes for user space.
const TICKS_PER_SECOND: u64 = 100;
/// Bytes of a page of memory in gVisor.
const PAGE_BYTES: u64 = 4096;

/// A process, from its line in `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// Whether it has terminated, and its parent has not waited for it.
    pub(crate) is_zombie: bool,
    /// Whether it starts no more processes: it is stopped, or has terminated.
    pub(super) has_stopped: bool,
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

impl Process {
    /// Parses `/proc/PID/stat`: the pid, the name in parentheses, which may contain anything, and then numbers.
    pub(super) fn parse(stat: &str) -> Option<Self> {
        // One that was reaped meanwhile has the pid 0, like the parent of the runner.
        let pid = stat.split_whitespace().next()?.parse().ok().filter(|pid| *pid > 0)?;
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
            has_stopped: ["T", "t", "Z", "X"].contains(&state),
            threads: u32::try_from(number(2)?).ok()?,
            pages: number(3)?,
            own_time: time(user + system),
            children_time: time(children_user + children_system),
        })
    }
}

/// The processes below this one that have not terminated.
pub(super) fn below(processes: &[Process], root: Pid) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<&Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut below = Vec::new();
    let mut parents = vec![root.as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        // Each parent once, even if the list contains a circle.
        for child in children.remove(&parent).unwrap_or_default() {
            below.extend(Pid::from_raw(child.pid).filter(|_| !child.is_zombie));
            parents.push(child.pid);
        }
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
        Process {
            pid,
            parent,
            is_zombie: false,
            has_stopped: false,
            threads: 1,
            pages: 1,
            own_time: zero,
            children_time: zero,
        }
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
            has_stopped: false,
            threads: 3,
            pages: 11,
            own_time: Duration::from_millis(1750),
            children_time: Duration::from_millis(3010),
        };
        assert_eq!(process, expected);
        for (state, is_zombie, has_stopped) in
            [(") Z", true, true), (") T", false, true), (") R", false, false)]
        {
            let process = Process::parse(&STAT.replace(") S", state)).expect("a process");
            assert_eq!((process.is_zombie, process.has_stopped), (is_zombie, has_stopped), "{state}");
        }
        let reaped = STAT.replace("42 (a", "0 (a");
        for broken in ["", "42", "42 (a", "42 (a) S", "x (a) S 9 42", &reaped] {
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
        let zombie = Process { is_zombie: true, ..process(13, 11) };
        let list = [process(2, 1), process(10, 1), process(11, 10), process(12, 11), process(20, 2), zombie];
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
