//! The program's usage of memory, processes and disk, from gVisor's figures for the whole sandbox.

use crate::{
    error::{Context, Error},
    resource_view::ResourceView,
    workspace::WORK_DIR,
};
use cofferdam_protocol::{self as protocol, Limits};
use rustix::{fs::statvfs, system::sysinfo};
use std::{fs::File, os::unix::fs::FileExt, time::Duration};

/// Measures usage, compares it with the limits, and shows it to the program.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The sandbox's /proc/meminfo. The program's is mounted over it.
    meminfo: File,
    view: ResourceView,
    /// Processes and threads that are the runner's.
    runner_processes: u32,
    /// Relays that are connected with the runner. A cluster starts them.
    relays: u32,
    /// Bytes of memory that were used before the program.
    initial_memory: u64,
    limits: Limits,
    disk_was_full: bool,
}

/// A limit that the program exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Memory,
    Processes,
}

impl Usage {
    /// Starts to measure. Current usage is not the program's.
    pub(crate) fn start(meminfo: File, view: ResourceView, limits: Limits) -> Result<Self, Error> {
        let initial_memory = sandbox_memory(&meminfo, Disk::measure()?.used)?;
        let runner_processes = u32::from(sysinfo().procs);
        Ok(Self { meminfo, view, runner_processes, relays: 0, initial_memory, limits, disk_was_full: false })
    }

    /// Checks all limits. `runner_memory` bytes of memory are the runner's.
    pub(crate) fn exceeded_limit(&mut self, runner_memory: u64) -> Result<Option<Limit>, Error> {
        let disk = Disk::measure()?;
        self.disk_was_full |= disk.is_full;
        let sandbox = sysinfo();
        if self.program_processes() > self.limits.processes {
            return Ok(Some(Limit::Processes));
        }
        if is_certainly_within(self.limits.memory_bytes, sandbox.totalram, sandbox.freeram) {
            return Ok(None);
        }
        let memory = self.program_memory(disk.used, runner_memory)?;
        Ok((memory > self.limits.memory_bytes).then_some(Limit::Memory))
    }

    /// Updates the memory usage that the program sees, if that is due. `runner_memory` bytes of memory are
    /// the runner's.
    pub(crate) fn refresh_view(&mut self, runner_memory: u64) -> Result<(), Error> {
        if !self.view.is_stale() {
            return Ok(());
        }
        let memory = self.program_memory(Disk::measure()?.used, runner_memory)?;
        self.view.refresh(memory)
    }

    /// Bytes of memory that the program uses, without its disk.
    fn program_memory(&self, disk: u64, runner_memory: u64) -> Result<u64, Error> {
        let memory = sandbox_memory(&self.meminfo, disk)?;
        Ok(memory.saturating_sub(self.initial_memory).saturating_sub(runner_memory))
    }

    /// Whether no process of the program exists.
    pub(crate) fn has_no_processes(&self) -> bool {
        self.program_processes() == 0
    }

    /// The runner has so many processes more than before.
    pub(crate) fn add_runner_processes(&mut self, processes: u32) {
        self.runner_processes += processes;
    }

    /// The runner has so many processes less than before.
    pub(crate) fn remove_runner_processes(&mut self, processes: u32) {
        self.runner_processes = self.runner_processes.saturating_sub(processes);
    }

    /// There are so many relays to the runner.
    pub(crate) fn set_relays(&mut self, relays: u32) {
        self.relays = relays;
    }

    /// Whether the processes of the sandbox together are certainly within these limits.
    pub(crate) fn is_certainly_within(&self, memory_bytes: u64, processes: u32) -> bool {
        let sandbox = sysinfo();
        self.program_processes() <= processes
            && is_certainly_within(memory_bytes, sandbox.totalram, sandbox.freeram)
    }

    /// What the program uses now, without its processor time. `runner_memory` bytes of memory are the runner's.
    pub(crate) fn measure(&self, runner_memory: u64) -> Result<protocol::Usage, Error> {
        let disk = Disk::measure()?;
        Ok(protocol::Usage {
            memory_bytes: self.program_memory(disk.used, runner_memory)?,
            disk_bytes: disk.used,
            processes: self.program_processes(),
            cpu_time: Duration::ZERO,
        })
    }

    /// Processes and threads of the program.
    fn program_processes(&self) -> u32 {
        u32::from(sysinfo().procs).saturating_sub(self.runner_processes + self.relays)
    }

    /// Whether the disk is full now.
    pub(crate) fn disk_is_full() -> Result<bool, Error> {
        Ok(Disk::measure()?.is_full)
    }

    /// Whether the disk was full at any check since the last call.
    pub(crate) fn take_disk_was_full(&mut self) -> bool {
        std::mem::take(&mut self.disk_was_full)
    }

    /// Whether the disk was full at any check.
    pub(crate) fn disk_was_full(&self) -> bool {
        self.disk_was_full
    }
}

/// The file system behind the writable directories.
struct Disk {
    /// Bytes in use.
    used: u64,
    is_full: bool,
}

impl Disk {
    fn measure() -> Result<Self, Error> {
        let disk = statvfs(WORK_DIR).context("read the disk usage")?;
        let used = disk.f_blocks.saturating_sub(disk.f_bfree).saturating_mul(disk.f_bsize);
        Ok(Self { used, is_full: disk.f_bavail == 0 || disk.f_ffree == 0 })
    }
}

/// Whether a sandbox with these bytes of memory certainly uses no more than `limit`. The figures include
/// caches, but are cheap to read. With no free memory the answer is no, since gVisor counts up to the total
/// only.
fn is_certainly_within(limit: u64, total: u64, free: u64) -> bool {
    free > 0 && total.saturating_sub(free) <= limit
}

/// Opens the sandbox's /proc/meminfo. Call this before the program's is mounted over it.
pub(crate) fn open_meminfo() -> Result<File, Error> {
    File::open("/proc/meminfo").context("open /proc/meminfo")
}

/// Bytes of memory that all processes of the sandbox use: anonymous memory, and every tmpfs and memfd except
/// `disk`, which has its own limit.
fn sandbox_memory(meminfo: &File, disk: u64) -> Result<u64, Error> {
    const STEP: &str = "read the memory usage";
    let mut text = [0; 4096];
    let length = meminfo.read_at(&mut text, 0).context(STEP)?;
    let text = str::from_utf8(&text[..length]).unwrap_or_default();
    // gVisor includes every tmpfs in this figure.
    let line = text.lines().find_map(|line| line.strip_prefix("AnonPages:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let kib = kib.ok_or(Error::Step { step: STEP, source: std::io::ErrorKind::InvalidData.into() })?;
    Ok((kib * 1024).saturating_sub(disk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_without_free_memory_is_not_certainly_within_its_limit() {
        assert!(is_certainly_within(100, 100, 1));
        assert!(!is_certainly_within(100, 100, 0));
        assert!(!is_certainly_within(100, 200, 99));
    }
}
