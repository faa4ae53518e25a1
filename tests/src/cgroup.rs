//! A memory limit for one process under test.

use crate::program::executed_by;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use uuid::Uuid;

const CGROUPS: &str = "/sys/fs/cgroup";

/// A cgroup with a memory limit, removed when dropped. Sandboxes are outside it because they have their own
/// cgroups.
#[derive(Debug)]
pub struct MemoryCgroup {
    folder: PathBuf,
    version_2: bool,
}

impl MemoryCgroup {
    /// Creates a cgroup with a limit in bytes.
    ///
    /// # Errors
    ///
    /// The user may not create cgroups, or the memory controller is missing.
    pub fn new(bytes: u64) -> io::Result<Self> {
        let version_2 = Path::new(CGROUPS).join("cgroup.controllers").exists();
        let parent = if version_2 { PathBuf::from(CGROUPS) } else { Path::new(CGROUPS).join("memory") };
        let folder = parent.join(format!("cofferdam-test-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder)?;
        let cgroup = Self { folder, version_2 };
        let limit_file = if version_2 { "memory.max" } else { "memory.limit_in_bytes" };
        fs::write(cgroup.folder.join(limit_file), bytes.to_string())?;
        Ok(cgroup)
    }

    /// The same command, started inside the cgroup.
    #[must_use]
    pub fn wrap(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("sh");
        wrapped.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        executed_by(wrapped, command)
    }

    /// How many processes of the cgroup the kernel has killed for lack of memory.
    #[must_use]
    pub fn kills(&self) -> u64 {
        let file = if self.version_2 { "memory.events" } else { "memory.oom_control" };
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.and_then(|kills| kills.trim().parse().ok()).unwrap_or_default()
    }
}

impl Drop for MemoryCgroup {
    fn drop(&mut self) {
        // The kernel refuses to remove a cgroup that still has processes; the owner has waited for them.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Anonymous memory of a process in bytes, and the peak of its resident memory.
#[must_use]
pub fn memory(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default()
            << 10
    };
    (field("RssAnon:"), field("VmHWM:"))
}
