//! What the program uses of its memory, its processes and its disk, as gVisor counts it for the whole sandbox.

use crate::{
    error::{During, Error},
    view::View,
    workspace::WORK,
};
use cofferdam_protocol::Limits;
use rustix::{fs::statvfs, system::sysinfo};
use std::{fs::File, os::unix::fs::FileExt};

/// Reads usage against bounds, and shows it to the program.
#[derive(Debug)]
pub(crate) struct Usage {
    /// Stays that of the sandbox when the program's own is mounted over it.
    meminfo: File,
    view: View,
    tasks_before: u32,
    memory_before: u64,
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
    pub(crate) fn start(meminfo: File, view: View, limits: Limits) -> Result<Self, Error> {
        let memory_before = held_in_memory(&meminfo, own_disk()?.used)?;
        let tasks_before = u32::from(sysinfo().procs);
        Ok(Self { meminfo, view, tasks_before, memory_before, limits, disk_was_full: false })
    }

    /// Looks at all bounds. `of_runner` bytes of memory are the runner's own.
    pub(crate) fn over(&mut self, of_runner: u64) -> Result<Option<Over>, Error> {
        let disk = own_disk()?;
        self.disk_was_full |= disk.is_full;
        let sandbox = sysinfo();
        if u32::from(sandbox.procs).saturating_sub(self.tasks_before) > self.limits.processes {
            return Ok(Some(Over::Processes));
        }
        if surely_fits(sandbox.totalram, sandbox.freeram, self.limits.memory_bytes) {
            return Ok(None);
        }
        let of_program = self.held(disk.used, of_runner)?;
        Ok((of_program > self.limits.memory_bytes).then_some(Over::Memory))
    }

    /// Shows the program what it holds. `of_runner` bytes of memory are the runner's own.
    pub(crate) fn show(&mut self, of_runner: u64) -> Result<(), Error> {
        if !self.view.is_old() {
            return Ok(());
        }
        let held = self.held(own_disk()?.used, of_runner)?;
        self.view.refresh(held)
    }

    /// Bytes of memory that the program holds beside its disk.
    fn held(&self, disk: u64, of_runner: u64) -> Result<u64, Error> {
        let held = held_in_memory(&self.meminfo, disk)?;
        Ok(held.saturating_sub(self.memory_before).saturating_sub(of_runner))
    }

    /// Whether no process is there but those that were before the program.
    pub(crate) fn is_alone(&self) -> bool {
        u32::from(sysinfo().procs) <= self.tasks_before
    }

    /// Whether the disk was full at any look.
    pub(crate) fn disk_was_full(&self) -> bool {
        self.disk_was_full
    }
}

/// The file system behind the writable directories.
struct OwnDisk {
    used: u64,
    is_full: bool,
}

fn own_disk() -> Result<OwnDisk, Error> {
    let disk = statvfs(WORK).during("read the usage of the disk")?;
    let used = disk.f_blocks.saturating_sub(disk.f_bfree).saturating_mul(disk.f_bsize);
    Ok(OwnDisk { used, is_full: disk.f_bavail == 0 || disk.f_ffree == 0 })
}

/// Whether a sandbox with these bytes of memory surely holds no more than `bound`. The figures count caches too, but cost
/// little. Where nothing is free the answer is no, since gVisor counts no further than the total.
fn surely_fits(total: u64, free: u64, bound: u64) -> bool {
    free > 0 && total.saturating_sub(free) <= bound
}

/// The sandbox's own account of its memory; to be opened before the program's view hides it.
pub(crate) fn open_meminfo() -> Result<File, Error> {
    File::open("/proc/meminfo").during("open /proc/meminfo")
}

/// Bytes of memory that all processes of the sandbox hold: anonymous memory, and every tmpfs and memfd but the `disk`,
/// which has a bound of its own.
fn held_in_memory(meminfo: &File, disk: u64) -> Result<u64, Error> {
    const STEP: &str = "read the usage of the memory";
    let mut text = [0; 4096];
    let length = meminfo.read_at(&mut text, 0).during(STEP)?;
    let text = str::from_utf8(&text[..length]).unwrap_or_default();
    // gVisor counts every tmpfs in these too.
    let line = text.lines().find_map(|line| line.strip_prefix("AnonPages:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let kib = kib.ok_or(Error::Step { step: STEP, source: std::io::ErrorKind::InvalidData.into() })?;
    Ok((kib * 1024).saturating_sub(disk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_that_is_no_larger_than_the_bound_is_looked_at_closely_once_it_is_full() {
        assert!(surely_fits(100, 1, 100));
        assert!(!surely_fits(100, 0, 100));
        assert!(!surely_fits(200, 99, 100));
    }
}
