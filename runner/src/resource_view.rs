//! The program's view of its resources: its own limits of CPU and memory in `/proc`, `/sys` and the cgroup
//! files, where gVisor shows the whole machine. The runner's files are mounted read-only over gVisor's. They
//! inform the program and enforce nothing.

mod text;

use crate::{
    affinity,
    error::{Context, Error},
    isolation::Network,
};
use cofferdam_protocol::Limits;
use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
    mount::{MountFlags, mount, mount_bind, mount_remount},
};
use std::{
    env,
    ffi::CString,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where the files are until the program's `/tmp` hides them. Every root file system has it.
const STAGING_DIR: &str = "/tmp";
const CGROUPS: &str = "/sys/fs/cgroup";
const CPUS: &str = "/sys/devices/system/cpu";
const MEMINFO: &str = "/proc/meminfo";
const CPUINFO: &str = "/proc/cpuinfo";
const STAT: &str = "/proc/stat";
const HOSTS: &str = "/etc/hosts";
/// The cgroup v1 controllers without which a JVM reads no limit.
const CONTROLLERS: [&str; 4] = ["cpu", "cpuacct", "cpuset", "memory"];
/// Between two updates of the live files.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);
const STEP: &str = "show the program its limits";

/// Most bytes that are read from one of gVisor's files.
const MAX_TEXT: usize = 64 << 10;

/// The live files of the view, which the runner updates.
#[derive(Debug)]
pub(crate) struct ResourceView {
    memory_bytes: u64,
    meminfo: File,
    memory_current: File,
    stat: Option<Stat>,
    refreshed: Instant,
}

/// gVisor's `/proc/stat`, and the program's.
#[derive(Debug)]
struct Stat {
    sandbox: File,
    program: File,
    cpus: usize,
    buffer: Vec<u8>,
}

impl ResourceView {
    /// Mounts the view. The caller must then mount the program's `/tmp` and change to the working directory.
    pub(crate) fn mount(limits: &Limits, network: Network) -> Result<Self, Error> {
        mount_view(limits, network).context(STEP)
    }

    /// Whether the live files are due for an update.
    pub(crate) fn is_stale(&self) -> bool {
        self.refreshed.elapsed() >= REFRESH_INTERVAL
    }

    /// Updates the live files. The program uses `used` bytes of memory.
    pub(crate) fn refresh(&mut self, used: u64) -> Result<(), Error> {
        self.write(used).context(STEP)
    }

    fn write(&mut self, used: u64) -> io::Result<()> {
        self.refreshed = Instant::now();
        // One write of the same length: no reader sees a part of it.
        self.meminfo.write_all_at(text::meminfo(self.memory_bytes, used).as_bytes(), 0)?;
        self.memory_current.write_all_at(text::memory_current(self.memory_bytes, used).as_bytes(), 0)?;
        let Some(Stat { sandbox, program, cpus, buffer }) = &mut self.stat else { return Ok(()) };
        let content = text::stat(read(sandbox, buffer)?, *cpus);
        // Until the file is truncated, its last lines may appear twice. They are zeros that no program reads.
        program.write_all_at(content.as_bytes(), 0)?;
        program.set_len(content.len() as u64)
    }
}

fn mount_view(limits: &Limits, network: Network) -> io::Result<ResourceView> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let staging = StagingDir::mount(flags)?;
    let mut binds = vec![("meminfo", MEMINFO)];
    let meminfo = staging.write("meminfo", &text::meminfo(limits.memory_bytes, 0))?;
    let stat = match affinity::cpu_count(limits.cpu_millis)? {
        Some(cpus) => {
            binds.extend([("cpu", CPUS), ("cpuinfo", CPUINFO), ("stat", STAT)]);
            Some(write_cpu_files(&staging, cpus)?)
        }
        None => None,
    };
    if network == Network::Loopback {
        // The kubelet's file names the Pod's address, which does not exist in the program's network.
        staging.write("hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n")?;
        binds.push(("hosts", HOSTS));
    }
    let memory_current = write_cgroup_files(&staging, limits)?;
    staging.seal(flags)?;
    for (source, target) in binds {
        bind(source, target)?;
    }
    mount_cgroups(flags, limits.cpu_millis.is_some(), stat.is_some())?;
    Ok(ResourceView {
        memory_bytes: limits.memory_bytes,
        meminfo,
        memory_current,
        stat,
        refreshed: Instant::now(),
    })
}

/// Writes the files of `/sys/fs/cgroup`: those of cgroup v2 at its top, for programs that read only these,
/// and the ones that are mounted over files of cgroup v1. Returns the live one.
fn write_cgroup_files(staging: &StagingDir, limits: &Limits) -> io::Result<File> {
    fs::create_dir(staging.path("cgroup"))?;
    for controller in CONTROLLERS {
        fs::create_dir(staging.path("cgroup").join(controller))?;
    }
    staging.write("cgroup/memory.max", &format!("{}\n", limits.memory_bytes))?;
    if let Some(millis) = limits.cpu_millis {
        staging.write("cgroup/cpu.max", &text::cpu_max(millis))?;
        staging.write("cfs_quota_us", &format!("{}\n", text::cpu_quota_us(millis)))?;
        staging.write("cfs_period_us", &format!("{}\n", text::CPU_PERIOD_US))?;
    }
    staging.write("cgroup/memory.current", &text::memory_current(limits.memory_bytes, 0))
}

/// Writes the files that list CPUs.
fn write_cpu_files(staging: &StagingDir, cpus: usize) -> io::Result<Stat> {
    fs::create_dir(staging.path("cpu"))?;
    for cpu in 0..cpus {
        fs::create_dir(staging.path("cpu").join(format!("cpu{cpu}")))?;
    }
    staging.write("cpu/online", &text::cpu_list(cpus))?;
    for name in ["cpu/possible", "cpu/present"] {
        fs::hard_link(staging.path("cpu/online"), staging.path(name))?;
    }
    let mut buffer = vec![0; MAX_TEXT];
    let cpuinfo = text::cpuinfo(read(&File::open(CPUINFO)?, &mut buffer)?, cpus);
    staging.write("cpuinfo", &cpuinfo)?;
    let sandbox = File::open(STAT)?;
    let program = staging.write("stat", &text::stat(read(&sandbox, &mut buffer)?, cpus))?;
    Ok(Stat { sandbox, program, cpus, buffer })
}

/// Mounts the staged directory over `/sys/fs/cgroup`, gVisor's v1 hierarchies into it, and the staged files
/// over theirs.
fn mount_cgroups(flags: MountFlags, has_quota: bool, has_cpus: bool) -> io::Result<()> {
    // The container runtime's mounts stay reachable as relative paths.
    match env::set_current_dir(CGROUPS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entered => entered?,
    }
    let is_mounted = Path::new(CONTROLLERS[0]).is_dir();
    bind("cgroup", CGROUPS)?;
    for controller in CONTROLLERS {
        let target = Path::new(CGROUPS).join(controller);
        if is_mounted {
            mount_bind(controller, &target)?;
        } else {
            let options = CString::new(controller)?;
            mount(c"cgroup", &target, c"cgroup", flags | MountFlags::RDONLY, Some(options.as_c_str()))?;
        }
    }
    let memory = [
        ("cgroup/memory.max", "memory/memory.limit_in_bytes"),
        ("cgroup/memory.current", "memory/memory.usage_in_bytes"),
    ];
    let quota = [("cfs_quota_us", "cpu/cpu.cfs_quota_us"), ("cfs_period_us", "cpu/cpu.cfs_period_us")];
    let cpu_list = ("cpu/online", "cpuset/cpuset.cpus");
    let quota = quota.into_iter().filter(|_| has_quota);
    for (source, target) in memory.into_iter().chain(quota).chain(has_cpus.then_some(cpu_list)) {
        bind(source, Path::new(CGROUPS).join(target))?;
    }
    Ok(())
}

/// Mounts a staged file or directory over the target, if the target exists. The /etc of an image may be a file, or a
/// link to itself.
fn bind(source: &str, target: impl AsRef<Path>) -> io::Result<()> {
    match mount_bind(Path::new(STAGING_DIR).join(source), target.as_ref()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
        result => Ok(result?),
    }
}

/// The tmpfs that the files are written to.
struct StagingDir;

impl StagingDir {
    fn mount(flags: MountFlags) -> io::Result<Self> {
        mount(c"tmpfs", STAGING_DIR, c"tmpfs", flags, Some(c"mode=755"))?;
        Ok(Self)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(STAGING_DIR).join(name)
    }

    fn write(&self, name: &str, content: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(open(self.path(name), flags, Mode::from_raw_mode(0o444))?);
        file.write_all(content.as_bytes())?;
        Ok(file)
    }

    /// Makes later bind mounts of the files read-only. Files that are open stay writable.
    fn seal(self, flags: MountFlags) -> io::Result<()> {
        mount_bind(STAGING_DIR, STAGING_DIR)?;
        Ok(mount_remount(STAGING_DIR, MountFlags::BIND | MountFlags::RDONLY | flags, c"")?)
    }
}

/// Reads one of gVisor's files from its beginning.
fn read<'a>(file: &File, buffer: &'a mut [u8]) -> io::Result<&'a str> {
    let length = file.read_at(buffer, 0)?;
    str::from_utf8(&buffer[..length]).map_err(|_| io::ErrorKind::InvalidData.into())
}
