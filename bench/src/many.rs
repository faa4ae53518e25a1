//! Many at once: how long they take, and what one that waits holds.

use crate::{interactive::Failure, warm};
use cofferdam_tests::program::Place;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::ffi::OsStrExt,
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// Time until all of so many runs that were started at once are done.
///
/// # Errors
///
/// Where one fails.
pub fn at_once(place: &Place, runs: usize) -> Result<Duration, Failure> {
    place.write("hello.py", "print(6*7)");
    let start = Instant::now();
    let children: Result<Vec<Child>, _> = (0..runs).map(|_| place.cofferdam(["run", "hello.py"]).spawn()).collect();
    for child in children? {
        let output = child.wait_with_output()?;
        if output.stdout != b"42\n" {
            return Err(format!("{output:?}").into());
        }
    }
    Ok(start.elapsed())
}

/// Bytes that one waiting run holds: in `cofferdam` itself, and in its sandbox. What is shared is counted once.
///
/// # Errors
///
/// Where one fails.
pub fn memory(place: &Place, runs: usize) -> Result<(u64, u64), Failure> {
    place.write("wait.py", "import time; time.sleep(600)");
    let mut children = Vec::new();
    let mut logs = Vec::new();
    for _ in 0..runs {
        let mut child = place.cofferdam(["run", "wait.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn()?;
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
    let sandboxes = sandbox_processes(place)?.into_iter().map(proportional).sum::<u64>();
    for mut child in children {
        child.kill()?;
        child.wait()?;
    }
    while !sandbox_processes(place)?.is_empty() {
        thread::yield_now();
    }
    let _ = place.run(["gc"]);
    Ok((own / runs as u64, sandboxes / runs as u64))
}

/// Bytes that one sandbox holds which waits for a program, of so many.
///
/// # Errors
///
/// Where they do not come up.
pub fn memory_of_waiting(place: &Place, sandboxes: u32) -> Result<u64, Failure> {
    warm::with_waiting(place, sandboxes, || {
        let all = sandbox_processes(place)?.into_iter().map(proportional).sum::<u64>();
        Ok(all / u64::from(sandboxes))
    })
}

fn sandbox_processes(place: &Place) -> Result<Vec<u32>, Failure> {
    let state = place.state();
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

/// The process's memory, with shared pages divided by those that share them.
fn proportional(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}
