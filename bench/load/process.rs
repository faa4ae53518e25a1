//! Statistics of processes in `/proc`.

use cofferdam_tests::conformance::Failure;
use std::{fs, time::Duration};

/// Clock ticks per second in `/proc/PID/stat`.
const TICKS_PER_SECOND: u32 = 100;

/// Resident memory of a process in bytes, and its peak.
pub(crate) fn memory(pid: u32) -> Result<(u64, u64), Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map(|kib| kib << 10)
    };
    Ok((field("VmRSS:").ok_or("no memory")?, field("VmHWM:").ok_or("no memory")?))
}

/// CPU time of a process.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The fields after the name, which may contain any character.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u32 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u32>().ok()).sum();
    Ok(Duration::from_secs(ticks.into()) / TICKS_PER_SECOND)
}

/// CPU time of all processes of these programs. The kernel keeps 15 bytes of a name.
pub(crate) fn cpu_time_of(programs: &[&str]) -> Result<Duration, Failure> {
    let mut used = Duration::ZERO;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if programs.iter().any(|program| name.trim_end() == &program[..program.len().min(15)]) {
            // The process may have ended.
            used += cpu_time(pid).unwrap_or_default();
        }
    }
    Ok(used)
}

/// Number of open sockets of a process.
pub(crate) fn sockets(pid: u32) -> Result<usize, Failure> {
    let open = fs::read_dir(format!("/proc/{pid}/fd"))?.flatten();
    let targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}
