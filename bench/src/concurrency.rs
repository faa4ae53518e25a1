//! Concurrent runs: their duration and their memory.

use crate::{interactive::Failure, warm};
use cofferdam_tests::program::TestDir;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::ffi::OsStrExt,
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// Time until all of `runs` concurrent runs have ended.
///
/// # Errors
///
/// A run fails.
pub fn duration(dir: &TestDir, runs: usize) -> Result<Duration, Failure> {
    dir.write("hello.py", "print(6*7)");
    let start = Instant::now();
    let children: Result<Vec<Child>, _> =
        (0..runs).map(|_| dir.cofferdam(["run", "hello.py"]).spawn()).collect();
    for child in children? {
        let output = child.wait_with_output()?;
        if output.stdout != b"42\n" {
            return Err(format!("{output:?}").into());
        }
    }
    Ok(start.elapsed())
}

/// Memory of one sleeping run in bytes: of `cofferdam` and of the sandbox. Shared pages are counted once.
///
/// # Errors
///
/// A run fails.
pub fn memory(dir: &TestDir, runs: usize) -> Result<(u64, u64), Failure> {
    dir.write("wait.py", "import time; time.sleep(600)");
    let mut children = Vec::new();
    let mut logs = Vec::new();
    for _ in 0..runs {
        let mut child = dir.cofferdam(["run", "wait.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
        logs.push(BufReader::new(child.stderr.take().ok_or("no pipe")?));
        children.push(child);
    }
    for log in &mut logs {
        let mut line = String::new();
        while !line.contains("the program runs") {
            line.clear();
            if log.read_line(&mut line)? == 0 {
                return Err("a run ended early".into());
            }
        }
    }
    let own = children.iter().map(|child| proportional(child.id())).sum::<u64>();
    let sandboxes = sandbox_processes(dir)?.into_iter().map(proportional).sum::<u64>();
    for mut child in children {
        child.kill()?;
        child.wait()?;
    }
    while !sandbox_processes(dir)?.is_empty() {
        thread::yield_now();
    }
    let _ = dir.run(["gc"]);
    Ok((own / runs as u64, sandboxes / runs as u64))
}

/// Memory of one prewarmed sandbox in bytes, averaged over `sandboxes`.
///
/// # Errors
///
/// A sandbox does not start.
pub fn prewarmed_memory(dir: &TestDir, sandboxes: u32) -> Result<u64, Failure> {
    warm::with_prewarmed(dir, sandboxes, || {
        let all = sandbox_processes(dir)?.into_iter().map(proportional).sum::<u64>();
        Ok(all / u64::from(sandboxes))
    })
}

/// The processes of the sandboxes below the state folder.
pub(crate) fn sandbox_processes(dir: &TestDir) -> Result<Vec<u32>, Failure> {
    let state = dir.state();
    let marker = state.as_os_str().as_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let pid: Option<u32> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if command.windows(marker.len()).any(|window| window == marker) {
            found.extend(pid);
        }
    }
    Ok(found)
}

/// Proportional set size of a process in bytes.
fn proportional(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Resident set size of a process in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
