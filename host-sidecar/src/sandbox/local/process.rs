//! The processes of a run, found by what only their command lines hold.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    os::unix::ffi::OsStrExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills every process that has `marker` in its command line, and waits until they are gone.
pub(super) fn kill_all(marker: &Path) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let alive = find(marker)?;
        if alive.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("processes {alive:?} do not die")));
        }
        for pid in alive {
            // One that is gone by now is what was wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes of memory that these processes hold and share with no others.
pub(super) fn held_memory(marker: &Path) -> io::Result<u64> {
    let private = |pid: Pid| {
        let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
    };
    Ok(find(marker)?.into_iter().map(private).sum())
}

fn find(marker: &Path) -> io::Result<Vec<Pid>> {
    let marker = marker.as_os_str().as_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| Pid::from_raw(name.parse().ok()?)) else { continue };
        // A process that is gone by now, or a zombie, has no command line.
        let command = fs::read(Path::new("/proc").join(&name).join("cmdline")).unwrap_or_default();
        if command.windows(marker.len()).any(|window| window == marker) {
            found.push(pid);
        }
    }
    Ok(found)
}
