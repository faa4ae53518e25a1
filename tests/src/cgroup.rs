//! A bound on the memory of one process under test.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use uuid::Uuid;

const CGROUPS: &str = "/sys/fs/cgroup";

/// A cgroup of its own, removed when it is dropped. Sandboxes are not in it: they have their own.
#[derive(Debug)]
pub struct MemoryCgroup {
    folder: PathBuf,
    version_2: bool,
}

impl MemoryCgroup {
    /// Makes one for so many bytes.
    ///
    /// # Errors
    ///
    /// This user may make none, or there is no such controller.
    pub fn new(bytes: u64) -> io::Result<Self> {
        let version_2 = Path::new(CGROUPS).join("cgroup.controllers").exists();
        let parent = if version_2 { PathBuf::from(CGROUPS) } else { Path::new(CGROUPS).join("memory") };
        let folder = parent.join(format!("cofferdam-test-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder)?;
        let cgroup = Self { folder, version_2 };
        let bound = if version_2 { "memory.max" } else { "memory.limit_in_bytes" };
        fs::write(cgroup.folder.join(bound), bytes.to_string())?;
        Ok(cgroup)
    }

    /// The same command, in the cgroup from its first instruction on.
    #[must_use]
    pub fn enter(&self, command: &Command) -> Command {
        let mut entering = Command::new("sh");
        entering.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        entering.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => entering.env(name, value),
                None => entering.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            entering.current_dir(folder);
        }
        entering
    }

    /// How often the kernel has killed a process of it.
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
        // It is removed once its processes are gone, which whoever started them has waited for.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Bytes that a process holds without a file, now; and all that it has held at the most.
#[must_use]
pub fn memory(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() << 10
    };
    (field("RssAnon:"), field("VmHWM:"))
}
