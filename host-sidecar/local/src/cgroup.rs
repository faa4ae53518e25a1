//! The outer bound on memory and processors: a cgroup around the whole sandbox. The runner's own bounds are tighter and
//! say more; this one holds even if gVisor itself goes wrong.

use cofferdam_core::spec::SandboxLimits;
use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const CGROUPS: &str = "/sys/fs/cgroup";
const PARENT: &str = "cofferdam";
/// What gVisor itself, the runner and caches may use beside the program. A sandbox that waits holds some 20 MiB.
const OVERHEAD_BYTES: u64 = 256 << 20;
/// The kernel's own period for processor quotas, in microseconds.
const PERIOD: u32 = 100_000;
const LONGEST_PERIOD: u32 = 1_000_000;
/// How long a cgroup whose processes are gone may take to be removable.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(3);

/// The cgroup of a run: one folder in version 2, one a controller in version 1, none where this user may make none.
#[derive(Debug, Clone)]
pub(super) struct Cgroup {
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    version_2: bool,
    /// Thousandths of a processor, and whether they hold now.
    share: Option<u32>,
    is_held: bool,
}

impl Cgroup {
    /// The cgroup that a run has if it has one.
    pub(super) fn of(id: &str) -> Self {
        let version_2 = Path::new(CGROUPS).join("cgroup.controllers").exists();
        let existing = |controller: &str| Some(folder(controller, version_2).join(id)).filter(|path| path.exists());
        let memory = existing("memory");
        let cpu = if version_2 { None } else { existing("cpu") };
        Self { memory, cpu, version_2, share: None, is_held: false }
    }

    /// Makes it, as far as this user may. The bound on processors holds when it is told to.
    pub(super) fn create(id: &str, limits: &SandboxLimits) -> io::Result<Self> {
        let version_2 = Path::new(CGROUPS).join("cgroup.controllers").exists();
        let mut cgroup = Self { memory: None, cpu: None, version_2, share: limits.cpu_millis, is_held: false };
        cgroup.memory = make(&folder("memory", version_2), id, version_2)?;
        if let Some(memory) = &cgroup.memory {
            let file = if version_2 { "memory.max" } else { "memory.limit_in_bytes" };
            fs::write(memory.join(file), outer_memory(limits).to_string())?;
            if version_2 {
                // There is no such file where the kernel does not swap.
                let _ = fs::write(memory.join("memory.swap.max"), "0");
            }
        }
        if limits.cpu_millis.is_some() {
            cgroup.cpu =
                if version_2 { cgroup.memory.clone() } else { make(&folder("cpu", version_2), id, version_2)? };
        }
        Ok(cgroup)
    }

    /// What has to be written to have the bound on processors hold, if there is one, or not: what is not the program's is
    /// not bounded by its share. Nothing where that is so already.
    pub(super) fn cpu_quota(&mut self, holds: bool) -> Vec<Setting> {
        let (Some(cpu), Some(millis), true) = (&self.cpu, self.share, holds != self.is_held) else { return Vec::new() };
        // The kernel takes no quota below 1 ms.
        let period = if millis < 10 { LONGEST_PERIOD } else { PERIOD };
        let quota = u64::from(millis) * u64::from(period) / 1000;
        self.is_held = holds;
        if self.version_2 {
            let quota = if holds { quota.to_string() } else { "max".into() };
            return vec![Setting { file: cpu.join("cpu.max"), value: format!("{quota} {period}") }];
        }
        let quota = if holds { quota.to_string() } else { "-1".into() };
        vec![
            Setting { file: cpu.join("cpu.cfs_period_us"), value: period.to_string() },
            Setting { file: cpu.join("cpu.cfs_quota_us"), value: quota },
        ]
    }

    /// Whether a bound on memory holds.
    pub(super) fn bounds_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether there can be a bound on processors.
    pub(super) fn bounds_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    /// The files that take the number of a process that is to be bounded.
    pub(super) fn members_files(&self) -> impl Iterator<Item = PathBuf> {
        self.folders().map(|folder| folder.join("cgroup.procs"))
    }

    /// Its processes, as far as they are alive; none where there is no cgroup.
    pub(super) fn members(&self) -> io::Result<Option<Vec<u32>>> {
        let Some(file) = self.members_files().next() else { return Ok(None) };
        match fs::read_to_string(file) {
            Ok(pids) => Ok(Some(pids.lines().filter_map(|pid| pid.parse().ok()).collect())),
            // It is gone, which it would not be with a process in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the kernel has killed a process of it for want of memory.
    pub(super) fn was_out_of_memory(&self) -> bool {
        let file = if self.version_2 { "memory.events" } else { "memory.oom_control" };
        let text = self.memory.as_ref().and_then(|memory| fs::read_to_string(memory.join(file)).ok());
        text.is_some_and(|text| {
            let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
            kills.is_some_and(|kills| kills.trim() != "0")
        })
    }

    /// Removes it; its processes must be gone, or going.
    pub(super) fn delete(self) -> io::Result<()> {
        let deadline = Instant::now() + REMOVAL_TIMEOUT;
        for folder in self.folders() {
            loop {
                match fs::remove_dir(&folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                        thread::sleep(Duration::from_millis(1));
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    result => {
                        result?;
                        break;
                    }
                }
            }
            // The last run of all takes the parent along; others keep it.
            let _ = folder.parent().map(fs::remove_dir);
        }
        Ok(())
    }

    /// Each folder once.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let cpu = self.cpu.clone().filter(|_| !self.version_2);
        self.memory.clone().into_iter().chain(cpu)
    }
}

/// A file of a cgroup, and what it is to hold.
#[derive(Debug)]
pub(super) struct Setting {
    file: PathBuf,
    value: String,
}

impl Setting {
    /// Writes it.
    pub(super) fn write(&self) -> io::Result<()> {
        fs::write(&self.file, &self.value)
    }
}

/// Bytes that a whole sandbox may hold: the program, its disk, what the runner holds back for it, and gVisor itself.
pub(super) fn outer_memory(limits: &SandboxLimits) -> u64 {
    limits.sandbox_memory(OVERHEAD_BYTES)
}

/// The folder that holds the cgroups of all runs.
fn folder(controller: &str, version_2: bool) -> PathBuf {
    let hierarchy = Path::new(CGROUPS);
    if version_2 { hierarchy.join(PARENT) } else { hierarchy.join(controller).join(PARENT) }
}

/// Makes the cgroup of a run; none where this user may not, or the controller is missing.
fn make(parent: &Path, id: &str, version_2: bool) -> io::Result<Option<PathBuf>> {
    if version_2 {
        // Controllers have to be handed down level by level; what cannot be is found out below.
        let _ = fs::write(Path::new(CGROUPS).join("cgroup.subtree_control"), "+memory +cpu");
    }
    let path = parent.join(id);
    // A run that ends may take the parent away in between, but hardly twice.
    let made = (0..3).any(|_| {
        let _ = fs::create_dir(parent);
        if version_2 {
            let _ = fs::write(parent.join("cgroup.subtree_control"), "+memory +cpu");
        }
        fs::create_dir(&path).is_ok()
    });
    if !made {
        return Ok(None);
    }
    let has_memory = !version_2 || path.join("memory.max").exists();
    if has_memory {
        return Ok(Some(path));
    }
    fs::remove_dir(&path)?;
    Ok(None)
}
