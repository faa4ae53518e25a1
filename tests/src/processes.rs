//! Processes as listed in `/proc`.

use crate::program::TestDir;
use rustix::process::Pid;
use std::fs;

/// All living descendants of a process.
#[must_use]
pub fn descendants(ancestor: u32) -> Vec<u32> {
    let processes: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (_, fields) = stat.rsplit_once(')')?;
            let mut fields = fields.split_whitespace();
            let state = fields.next()?;
            (state != "Z").then_some((pid, fields.next()?.parse().ok()?))
        })
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(processes.iter().filter(|(_, ppid)| *ppid == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The processes of the sandboxes of a test.
#[must_use]
pub fn sandbox_processes(dir: &TestDir) -> Vec<Pid> {
    let marker = dir.state().display().to_string();
    let pid_of = |entry: fs::DirEntry| {
        let command = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let id = entry.file_name().to_str()?.parse().ok()?;
        command.contains(&marker).then(|| Pid::from_raw(id)).flatten()
    };
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(pid_of).collect()
}
