//! Where runs keep what they need while they last: a folder a run, and beside it a lock that its process holds.

use super::SetupError;
use rustix::fs::StatVfsMountFlags;
use std::{
    env,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

const LOCK_SUFFIX: &str = ".lock";
/// Taken shared to make a run's lock, and alone to look for locks that nobody holds.
const GATE: &str = "gate";

/// Shared memory, which containers have even where their /run is on a disk.
const SHM: &str = "/dev/shm";
/// Source: statfs(2).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// The folder of all runs of one user.
#[derive(Debug, Clone)]
pub(super) struct StateDir(PathBuf);

impl StateDir {
    /// Opens the folder that was named, else one of the user's own that does not outlive a reboot.
    pub(super) fn open(named: Option<&Path>) -> Result<Self, SetupError> {
        let path = named.map_or_else(default_path, Path::to_owned);
        let opened = DirBuilder::new().recursive(true).mode(0o700).create(&path).and_then(|()| path.canonicalize());
        match opened.and_then(|path| require_usable(&path).map(|()| path)) {
            Ok(path) => Ok(Self(path)),
            Err(source) => Err(SetupError::StateDir { path, source }),
        }
    }

    /// Fails if runs can no longer be made in the folder.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let usable = require_usable(&self.0).and_then(|()| self.gate().map(|_| ()));
        usable.map_err(|source| SetupError::StateDir { path: self.0.clone(), source })
    }

    /// Makes the folder of a run and takes its lock.
    pub(super) fn create(&self, id: &str) -> io::Result<RunDir> {
        let gate = self.gate()?;
        gate.lock_shared()?;
        let lock = File::create_new(self.lock_path(id))?;
        lock.lock()?;
        let path = self.0.join(id);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(RunDir {
            id: id.to_owned(),
            path,
            lock_path: self.lock_path(id),
            quiet: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// The runs whose processes are gone. Their locks are this process's now.
    pub(super) fn abandoned(&self) -> io::Result<Vec<RunDir>> {
        let gate = self.gate()?;
        gate.lock()?;
        let mut abandoned = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(LOCK_SUFFIX)) else { continue };
            // Whatever else lies there is not ours to remove.
            if !crate::sandbox::is_id(id) {
                continue;
            }
            let lock_path = self.lock_path(id);
            // One that has gone by now was another reaper's.
            let Ok(lock) = File::open(&lock_path) else { continue };
            if lock.try_lock().is_ok() {
                abandoned.push(RunDir {
                    id: id.to_owned(),
                    path: self.0.join(id),
                    lock_path,
                    quiet: AtomicBool::new(false),
                    _lock: lock,
                });
            }
        }
        Ok(abandoned)
    }

    fn gate(&self) -> io::Result<File> {
        File::options().create(true).truncate(false).write(true).open(self.0.join(GATE))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}{LOCK_SUFFIX}"))
    }
}

/// A folder that another user could have prepared is no place for what runs with our rights.
fn require_usable(path: &Path) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    let denied = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return denied("it belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return denied("others may write to it");
    }
    if !lets_execute(path) {
        return denied("it lies on a file system that is mounted noexec");
    }
    Ok(())
}

/// The first place that is in memory, else the first that will do: a run makes and removes some sixty small files, and on
/// a disk that takes longer than all else that is ours.
fn default_path() -> PathBuf {
    let uid = rustix::process::geteuid();
    let (places, name) = if uid.is_root() {
        (vec!["/run".into(), SHM.into(), "/var/lib".into()], "cofferdam".to_owned())
    } else {
        let own = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let places = own.into_iter().chain([SHM.into(), env::temp_dir()]).collect();
        (places, format!("cofferdam-{}", uid.as_raw()))
    };
    let usable = || places.iter().filter(|place| lets_execute(place));
    let place = usable().find(|place| is_in_memory(place)).or(usable().next());
    place.or(places.first()).map_or_else(PathBuf::new, |place| place.join(name))
}

fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|fs| fs.f_type == TMPFS_MAGIC)
}

/// gVisor starts nothing from a file system that is mounted `noexec`, as /run often is.
fn lets_execute(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|fs| !fs.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

/// The folder of one run, while its lock is held.
#[derive(Debug)]
pub(super) struct RunDir {
    id: String,
    path: PathBuf,
    lock_path: PathBuf,
    /// Whether its processes are known to be gone.
    quiet: AtomicBool,
    _lock: File,
}

impl RunDir {
    /// Notes that runsc has ended by itself, which it does after everything it started.
    pub(super) fn note_quiet(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// Whether no process of the run is left.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The OCI bundle.
    pub(super) fn bundle(&self) -> PathBuf {
        self.path.join("bundle")
    }

    /// The sandbox's root, where that is not an image.
    pub(super) fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// The folder that holds the runner.
    pub(super) fn runner_dir(&self) -> PathBuf {
        self.path.join("runner")
    }

    /// Where runsc keeps its state; in the command line of each of its processes, and in no other.
    pub(super) fn runsc_root(&self) -> PathBuf {
        self.path.join("runsc")
    }

    /// Removes the folder, then the lock that says it is there.
    pub(super) fn delete(self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::remove_file(&self.lock_path),
        }
    }
}
