//! Description of the machine.

use std::{fs, path::Path, process::Command, thread};

/// Processors, memory, kernel and gVisor version, in one line.
#[must_use]
pub fn describe(runsc: &Path) -> String {
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".into());
    let kib = value(&read("/proc/meminfo"), "MemTotal")
        .and_then(|total| total.split(' ').next()?.parse::<u64>().ok());
    let release = read("/proc/sys/kernel/osrelease");
    let version =
        Command::new(runsc).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).lines().next().unwrap_or_default().to_owned();
    format!(
        "{processors} processors ({model}), {} GiB of memory, Linux {}, {version}",
        kib.unwrap_or_default() >> 20,
        release.trim()
    )
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned()))
}
