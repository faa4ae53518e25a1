//! What the program reads of its processors and its memory in `/proc`, `/sys` and the cgroup files: its own limits, where
//! gVisor would show those of the whole machine. Files of ours are mounted over gVisor's, read-only. They inform the
//! program and bound nothing.

use crate::{
    affinity,
    enclosure::Network,
    error::{During, Error},
    view_text,
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

/// Where our files are until the program's own `/tmp` hides them; any root has it.
const STAGE: &str = "/tmp";
const CGROUPS: &str = "/sys/fs/cgroup";
const CPUS: &str = "/sys/devices/system/cpu";
const MEMINFO: &str = "/proc/meminfo";
const CPUINFO: &str = "/proc/cpuinfo";
const STAT: &str = "/proc/stat";
const HOSTS: &str = "/etc/hosts";
/// The controllers of version 1 without which a JVM reads no limit at all.
const CONTROLLERS: [&str; 4] = ["cpu", "cpuacct", "cpuset", "memory"];
/// How old the live files may be.
const REFRESH: Duration = Duration::from_millis(100);
const STEP: &str = "show the program its limits";

/// Longest text that is read of gVisor's files.
const MAX_TEXT: usize = 64 << 10;

/// The live files of the view.
#[derive(Debug)]
pub(crate) struct View {
    memory_bytes: u64,
    meminfo: File,
    memory_current: File,
    stat: Option<Stat>,
    refreshed: Instant,
}

/// `/proc/stat`: gVisor's, and the one that the program sees.
#[derive(Debug)]
struct Stat {
    sandbox: File,
    program: File,
    processors: usize,
    buffer: Vec<u8>,
}

impl View {
    /// Mounts the view. The caller must mount the program's `/tmp` afterwards, and choose a work directory.
    pub(crate) fn mount(limits: &Limits, network: Network) -> Result<Self, Error> {
        mount_view(limits, network).during(STEP)
    }

    /// Whether the live files are due to be written anew.
    pub(crate) fn is_old(&self) -> bool {
        self.refreshed.elapsed() >= REFRESH
    }

    /// Writes them; `used` is the memory that the program holds, in bytes.
    pub(crate) fn refresh(&mut self, used: u64) -> Result<(), Error> {
        self.write(used).during(STEP)
    }

    fn write(&mut self, used: u64) -> io::Result<()> {
        self.refreshed = Instant::now();
        // A text of the same length in one write: no reader sees a part of it.
        self.meminfo.write_all_at(view_text::meminfo(self.memory_bytes, used).as_bytes(), 0)?;
        self.memory_current.write_all_at(view_text::memory_current(self.memory_bytes, used).as_bytes(), 0)?;
        let Some(Stat { sandbox, program, processors, buffer }) = &mut self.stat else { return Ok(()) };
        let text = view_text::stat(read(sandbox, buffer)?, *processors);
        // Nobody reads the zeros at its end, which may be there twice for a moment.
        program.write_all_at(text.as_bytes(), 0)?;
        program.set_len(text.len() as u64)
    }
}

fn mount_view(limits: &Limits, network: Network) -> io::Result<View> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let stage = Stage::mount(flags)?;
    let mut binds = vec![("meminfo", MEMINFO)];
    let meminfo = stage.write("meminfo", &view_text::meminfo(limits.memory_bytes, 0))?;
    let stat = match affinity::processors(limits.cpu_millis)? {
        Some(processors) => {
            binds.extend([("cpu", CPUS), ("cpuinfo", CPUINFO), ("stat", STAT)]);
            Some(write_processor_files(&stage, processors)?)
        }
        None => None,
    };
    if network == Network::Own {
        // A kubelet's names the Pod's address, which is of no use in another network.
        stage.write("hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n")?;
        binds.push(("hosts", HOSTS));
    }
    let memory_current = write_cgroup_files(&stage, limits)?;
    stage.seal(flags)?;
    for (source, target) in binds {
        bind(source, target)?;
    }
    mount_cgroups(flags, limits.cpu_millis.is_some(), stat.is_some())?;
    Ok(View { memory_bytes: limits.memory_bytes, meminfo, memory_current, stat, refreshed: Instant::now() })
}

/// The files below `/sys/fs/cgroup`: at its top those of version 2, for programs that look for nothing else, and beside it
/// what is mounted over files of version 1. Gives the live one.
fn write_cgroup_files(stage: &Stage, limits: &Limits) -> io::Result<File> {
    fs::create_dir(stage.path("cgroup"))?;
    for controller in CONTROLLERS {
        fs::create_dir(stage.path("cgroup").join(controller))?;
    }
    stage.write("cgroup/memory.max", &format!("{}\n", limits.memory_bytes))?;
    if let Some(millis) = limits.cpu_millis {
        stage.write("cgroup/cpu.max", &view_text::cpu_max(millis))?;
        stage.write("cfs_quota_us", &format!("{}\n", view_text::quota(millis)))?;
        stage.write("cfs_period_us", &format!("{}\n", view_text::PERIOD))?;
    }
    stage.write("cgroup/memory.current", &view_text::memory_current(limits.memory_bytes, 0))
}

/// The files that name processors.
fn write_processor_files(stage: &Stage, processors: usize) -> io::Result<Stat> {
    fs::create_dir(stage.path("cpu"))?;
    for cpu in 0..processors {
        fs::create_dir(stage.path("cpu").join(format!("cpu{cpu}")))?;
    }
    stage.write("cpu/online", &view_text::cpu_list(processors))?;
    for name in ["cpu/possible", "cpu/present"] {
        fs::hard_link(stage.path("cpu/online"), stage.path(name))?;
    }
    let mut buffer = vec![0; MAX_TEXT];
    let cpuinfo = view_text::cpuinfo(read(&File::open(CPUINFO)?, &mut buffer)?, processors);
    stage.write("cpuinfo", &cpuinfo)?;
    let sandbox = File::open(STAT)?;
    let program = stage.write("stat", &view_text::stat(read(&sandbox, &mut buffer)?, processors))?;
    Ok(Stat { sandbox, program, processors, buffer })
}

/// Lays our directory over that of the cgroups, in it gVisor's own hierarchies, and over files of these ours.
fn mount_cgroups(flags: MountFlags, has_quota: bool, has_processors: bool) -> io::Result<()> {
    // A container runtime's mounts stay within reach from here.
    match env::set_current_dir(CGROUPS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entered => entered?,
    }
    let are_mounted = Path::new(CONTROLLERS[0]).is_dir();
    bind("cgroup", CGROUPS)?;
    for controller in CONTROLLERS {
        let target = Path::new(CGROUPS).join(controller);
        if are_mounted {
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
    let processors = ("cpu/online", "cpuset/cpuset.cpus");
    let quota = quota.into_iter().filter(|_| has_quota);
    for (source, target) in memory.into_iter().chain(quota).chain(has_processors.then_some(processors)) {
        bind(source, Path::new(CGROUPS).join(target))?;
    }
    Ok(())
}

/// Mounts what the stage has under this name over the target, if the sandbox has that.
fn bind(source: &str, target: impl AsRef<Path>) -> io::Result<()> {
    match mount_bind(Path::new(STAGE).join(source), target.as_ref()) {
        Err(Errno::NOENT) => Ok(()),
        bound => Ok(bound?),
    }
}

/// A tmpfs that the files are written to.
struct Stage;

impl Stage {
    fn mount(flags: MountFlags) -> io::Result<Self> {
        mount(c"tmpfs", STAGE, c"tmpfs", flags, Some(c"mode=755"))?;
        Ok(Self)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(STAGE).join(name)
    }

    fn write(&self, name: &str, content: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(open(self.path(name), flags, Mode::from_raw_mode(0o444))?);
        file.write_all(content.as_bytes())?;
        Ok(file)
    }

    /// Has all that is mounted from here on be read-only, while the files that are open stay writable.
    fn seal(self, flags: MountFlags) -> io::Result<()> {
        mount_bind(STAGE, STAGE)?;
        Ok(mount_remount(STAGE, MountFlags::BIND | MountFlags::RDONLY | flags, c"")?)
    }
}

/// The text of one of gVisor's files, which may be read many times.
fn read<'a>(file: &File, buffer: &'a mut [u8]) -> io::Result<&'a str> {
    let length = file.read_at(buffer, 0)?;
    str::from_utf8(&buffer[..length]).map_err(|_| io::ErrorKind::InvalidData.into())
}
