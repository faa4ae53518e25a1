//! What the program uses of its memory, its processes and its disk, as gVisor counts it for the whole sandbox.

use crate::{
    error::{During, Error},
    workspace::WORK,
};
use cofferdam_protocol::Limits;
use rustix::{fs::statvfs, system::sysinfo};
use std::{fs::File, os::unix::fs::FileExt};

/// Reads usage against bounds.
#[derive(Debug)]
pub(crate) struct Usage {
    /// Stays that of the sandbox when the program's own /proc is mounted over it.
    meminfo: File,
    tasks_before: u32,
    anonymous_before: u64,
    limits: Limits,
    disk_was_full: bool,
}

/// A bound that the program went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Memory,
    Processes,
}

impl Usage {
    /// Starts counting; what exists now is not the program's.
    pub(crate) fn start(meminfo: File, limits: Limits) -> Result<Self, Error> {
        let anonymous_before = anonymous(&meminfo)?;
        let tasks_before = u32::from(sysinfo().procs);
        Ok(Self { meminfo, tasks_before, anonymous_before, limits, disk_was_full: false })
    }

    /// Looks at all bounds.
    pub(crate) fn over(&mut self) -> Result<Option<Over>, Error> {
        const STEP: &str = "read the usage of the disk";
        let disk = statvfs(WORK).during(STEP)?;
        self.disk_was_full |= disk.f_bavail == 0 || disk.f_ffree == 0;
        let sandbox = sysinfo();
        if u32::from(sandbox.procs).saturating_sub(self.tasks_before) > self.limits.processes {
            return Ok(Some(Over::Processes));
        }
        // Cheap and too large: it counts files and caches too. What it lets through needs no closer look.
        let at_most = sandbox.totalram.saturating_sub(sandbox.freeram);
        let over = at_most > self.limits.memory_bytes
            && anonymous(&self.meminfo)?.saturating_sub(self.anonymous_before) > self.limits.memory_bytes;
        Ok(over.then_some(Over::Memory))
    }

    /// Whether the disk was full at any look.
    pub(crate) fn disk_was_full(&self) -> bool {
        self.disk_was_full
    }
}

/// The sandbox's own account of its memory; to be opened before the program's /proc hides it.
pub(crate) fn open_meminfo() -> Result<File, Error> {
    File::open("/proc/meminfo").during("open /proc/meminfo")
}

/// Bytes of memory that no file stands behind, of all processes of the sandbox.
fn anonymous(meminfo: &File) -> Result<u64, Error> {
    const STEP: &str = "read the usage of the memory";
    let mut text = [0; 4096];
    let length = meminfo.read_at(&mut text, 0).during(STEP)?;
    let text = str::from_utf8(&text[..length]).unwrap_or_default();
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    match (kib("AnonPages:"), kib("Shmem:")) {
        // gVisor counts a tmpfs in both.
        (Some(anonymous), Some(tmpfs)) => Ok(anonymous.saturating_sub(tmpfs) * 1024),
        _ => Err(Error::Step { step: STEP, source: std::io::ErrorKind::InvalidData.into() }),
    }
}
