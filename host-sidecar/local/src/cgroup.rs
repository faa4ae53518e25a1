//! The outer limit on memory and CPU: a cgroup around the whole sandbox. The runner's limits are lower and
//! its report says which one was exceeded; the cgroup limits gVisor too.

use cofferdam_core::policy::Limits;
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const CGROUP_ROOT: &str = "/sys/fs/cgroup";
/// The cgroup above those of all sandboxes.
const PARENT: &str = "cofferdam";
/// Memory for gVisor, the runner and caches, in addition to the program's. An idle sandbox uses about 20 MiB.
const OVERHEAD_BYTES: u64 = 256 << 20;
/// The kernel's default period of a CPU quota, in microseconds.
const DEFAULT_PERIOD: u32 = 100_000;
/// The kernel's longest period, in microseconds.
const MAX_PERIOD: u32 = 1_000_000;
/// Limits below this, in thousandths of a CPU, need the longest period: the kernel accepts no quota below 1
/// ms.
const MIN_DEFAULT_PERIOD_MILLIS: u32 = 10;
/// Time after which a cgroup whose processes were killed must be removable.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(3);
/// Interval between two attempts to remove it.
const REMOVAL_INTERVAL: Duration = Duration::from_millis(1);
/// Attempts to create a cgroup. The last other sandbox may remove the parent in between.
const CREATE_ATTEMPTS: u32 = 3;

/// The cgroup of a sandbox: one directory in version 2, one for each controller in version 1, none if this
/// user cannot create cgroups.
#[derive(Debug, Clone)]
pub(super) struct Cgroup {
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    version_2: bool,
    /// Thousandths of a CPU.
    cpu_millis: Option<u32>,
    is_cpu_limited: bool,
}

impl Cgroup {
    /// The existing cgroup of this sandbox.
    pub(super) fn of(id: &str) -> Self {
        let version_2 = is_version_2();
        let existing =
            |controller: &str| Some(parent_dir(controller, version_2).join(id)).filter(|path| path.exists());
        let memory = existing("memory");
        let cpu = if version_2 { None } else { existing("cpu") };
        Self { memory, cpu, version_2, cpu_millis: None, is_cpu_limited: false }
    }

    /// Creates the cgroup as far as this user can, with its memory limit. [`Self::cpu_quota`] sets the CPU
    /// limit.
    pub(super) fn create(id: &str, limits: &Limits) -> io::Result<Self> {
        let version_2 = is_version_2();
        let memory = create_dir(&parent_dir("memory", version_2), id, version_2)?;
        let cpu = match limits.cpu_millis {
            None => None,
            Some(_) if version_2 => memory.clone(),
            Some(_) => create_dir(&parent_dir("cpu", version_2), id, version_2)?,
        };
        let cgroup = Self { memory, cpu, version_2, cpu_millis: limits.cpu_millis, is_cpu_limited: false };
        cgroup.limit_memory(sandbox_memory(limits))?;
        Ok(cgroup)
    }

    fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let file = if self.version_2 { "memory.max" } else { "memory.limit_in_bytes" };
        fs::write(memory.join(file), bytes.to_string())?;
        if self.version_2 {
            // A kernel without swap has no such file.
            let _ = fs::write(memory.join("memory.swap.max"), "0");
        }
        Ok(())
    }

    /// The files to write so that the CPU limit applies or does not apply. It applies to the program, not to
    /// the start and the end of the sandbox. Empty if there is no limit or nothing changes.
    pub(super) fn cpu_quota(&mut self, is_limited: bool) -> Vec<ControlFile> {
        let (Some(cpu), Some(millis)) = (&self.cpu, self.cpu_millis) else { return Vec::new() };
        if is_limited == self.is_cpu_limited {
            return Vec::new();
        }
        self.is_cpu_limited = is_limited;
        let period = if millis < MIN_DEFAULT_PERIOD_MILLIS { MAX_PERIOD } else { DEFAULT_PERIOD };
        let quota = is_limited.then(|| (u64::from(millis) * u64::from(period) / 1000).to_string());
        if self.version_2 {
            let quota = quota.as_deref().unwrap_or("max");
            return vec![ControlFile { path: cpu.join("cpu.max"), value: format!("{quota} {period}") }];
        }
        vec![
            ControlFile { path: cpu.join("cpu.cfs_period_us"), value: period.to_string() },
            ControlFile { path: cpu.join("cpu.cfs_quota_us"), value: quota.unwrap_or_else(|| "-1".into()) },
        ]
    }

    /// Whether it limits memory.
    pub(super) fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether it can limit CPU.
    pub(super) fn can_limit_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    /// The files `cgroup.procs`. A process joins the cgroup when its PID is written to each.
    pub(super) fn procs_files(&self) -> impl Iterator<Item = PathBuf> {
        self.dirs().map(|dir| dir.join("cgroup.procs"))
    }

    /// The PIDs of its processes; none if there is no cgroup.
    pub(super) fn pids(&self) -> io::Result<Option<Vec<u32>>> {
        let Some(file) = self.procs_files().next() else { return Ok(None) };
        match fs::read_to_string(file) {
            Ok(pids) => Ok(Some(pids.lines().filter_map(|pid| pid.parse().ok()).collect())),
            // The kernel removes no cgroup that has a process.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the kernel has killed one of its processes because memory was exhausted.
    pub(super) fn was_out_of_memory(&self) -> bool {
        let file = if self.version_2 { "memory.events" } else { "memory.oom_control" };
        let text = self.memory.as_ref().and_then(|memory| fs::read_to_string(memory.join(file)).ok());
        text.is_some_and(|text| {
            let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
            kills.is_some_and(|kills| kills.trim() != "0")
        })
    }

    /// Removes the cgroup. Its processes must have been killed.
    pub(super) fn delete(self) -> io::Result<()> {
        let deadline = Instant::now() + REMOVAL_TIMEOUT;
        for dir in self.dirs() {
            remove_dir(&dir, deadline)?;
            // Succeeds only if no other sandbox has a cgroup.
            let _ = dir.parent().map(fs::remove_dir);
        }
        Ok(())
    }

    /// Its directories, without duplicates.
    fn dirs(&self) -> impl Iterator<Item = PathBuf> {
        let cpu = self.cpu.clone().filter(|_| !self.version_2);
        self.memory.clone().into_iter().chain(cpu)
    }
}

/// A value for an interface file of a cgroup.
#[derive(Debug)]
pub(super) struct ControlFile {
    path: PathBuf,
    value: String,
}

impl ControlFile {
    /// Writes the value.
    pub(super) fn write(&self) -> io::Result<()> {
        fs::write(&self.path, &self.value)
    }
}

/// The memory limit of a whole sandbox, in bytes: the program, its disk, the runner's buffers, and gVisor.
pub(super) fn sandbox_memory(limits: &Limits) -> u64 {
    limits.sandbox_memory(OVERHEAD_BYTES)
}

fn is_version_2() -> bool {
    Path::new(CGROUP_ROOT).join("cgroup.controllers").exists()
}

/// The directory of the cgroups of all sandboxes.
fn parent_dir(controller: &str, version_2: bool) -> PathBuf {
    let root = Path::new(CGROUP_ROOT);
    if version_2 { root.join(PARENT) } else { root.join(controller).join(PARENT) }
}

/// Creates the cgroup of a sandbox; none if this user cannot, or the memory controller is missing.
fn create_dir(parent: &Path, id: &str, version_2: bool) -> io::Result<Option<PathBuf>> {
    if version_2 {
        enable_controllers(Path::new(CGROUP_ROOT));
    }
    let path = parent.join(id);
    let is_created = (0..CREATE_ATTEMPTS).any(|_| {
        let _ = fs::create_dir(parent);
        if version_2 {
            enable_controllers(parent);
        }
        fs::create_dir(&path).is_ok()
    });
    if !is_created {
        return Ok(None);
    }
    if version_2 && !path.join("memory.max").exists() {
        fs::remove_dir(&path)?;
        return Ok(None);
    }
    Ok(Some(path))
}

/// Version 2 enables controllers level by level. A failure shows in the missing files of the sandbox's
/// cgroup.
fn enable_controllers(dir: &Path) {
    let _ = fs::write(dir.join("cgroup.subtree_control"), "+memory +cpu");
}

/// Removes a cgroup, if it exists, as soon as the kernel has removed its processes.
fn remove_dir(dir: &Path, deadline: Instant) -> io::Result<()> {
    loop {
        match fs::remove_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                thread::sleep(REMOVAL_INTERVAL);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            result => return result,
        }
    }
}
