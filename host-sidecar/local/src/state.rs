//! Where runs keep what they need while they last: a folder a run, and beside it a lock that its process holds.

use crate::{SetupError, state_location};
use cofferdam_core::os::regular_file::{self, Links};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

const LOCK_SUFFIX: &str = ".lock";
/// Taken shared to make a run's lock, and alone to look for locks that nobody holds.
const GATE: &str = "gate";

/// The folder of all runs of one user.
#[derive(Debug, Clone)]
pub(super) struct StateDir(PathBuf);

impl StateDir {
    /// Opens the folder that was named, else the first of the user's own that can be used. They do not outlive a reboot.
    pub(super) fn open(named: Option<&Path>) -> Result<Self, SetupError> {
        // As with other variables of folders, an empty one is not set.
        let named = named.filter(|path| !path.as_os_str().is_empty());
        let candidates = named.map_or_else(state_location::candidates, |named| vec![named.to_owned()]);
        let mut failure = None;
        for path in candidates {
            match state_location::open(&path, named.is_some()) {
                Ok(path) => return Ok(Self(path)),
                Err(source) => _ = failure.get_or_insert(SetupError::StateDir { path, source }),
            }
        }
        Err(failure.unwrap_or_else(|| SetupError::StateDir {
            path: PathBuf::new(),
            source: io::Error::other("no folder of this user's lets programs run"),
        }))
    }

    /// Fails if runs can no longer be made in the folder.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let usable = state_location::require_usable(&self.0).and_then(|()| self.gate().map(|_| ()));
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
        Ok(RunDir { id: id.to_owned(), path, lock_path: self.lock_path(id), _lock: lock })
    }

    /// The runs whose processes are gone. Their locks are this process's now.
    pub(super) fn orphaned(&self) -> io::Result<Vec<RunDir>> {
        let gate = self.gate()?;
        gate.lock()?;
        let mut orphaned = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(LOCK_SUFFIX)) else { continue };
            // Whatever else lies there is not ours to remove.
            if !cofferdam_core::is_id(id) {
                continue;
            }
            let lock_path = self.lock_path(id);
            // One that has gone by now was another reaper's.
            let Ok(lock) = regular_file::open(&lock_path, Links::Refuse) else { continue };
            if lock.try_lock().is_ok() {
                orphaned.push(RunDir { id: id.to_owned(), path: self.0.join(id), lock_path, _lock: lock });
            }
        }
        Ok(orphaned)
    }

    fn gate(&self) -> io::Result<File> {
        File::options().create(true).truncate(false).write(true).open(self.0.join(GATE))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}{LOCK_SUFFIX}"))
    }
}

/// The folder of one run, while its lock is held.
#[derive(Debug)]
pub(super) struct RunDir {
    id: String,
    path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl RunDir {
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

    /// Which process the launcher is, and runsc after it.
    pub(super) fn launcher_record(&self) -> PathBuf {
        self.path.join("launcher")
    }

    /// Where runsc keeps its state.
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

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::new_id;
    use rustix::fs::{CWD, Mode, mkfifoat};
    use std::{env, sync::mpsc::channel, thread, time::Duration};

    #[test]
    fn what_is_no_lock_of_ours_holds_nobody_up() {
        let state = StateDir(env::temp_dir().join(format!("cofferdam-state-{}", new_id())));
        fs::create_dir(&state.0).expect("a folder");
        mkfifoat(CWD, state.lock_path(&new_id()), Mode::RUSR | Mode::WUSR).expect("a FIFO");
        let (sender, receiver) = channel();
        let path = state.0.clone();
        thread::spawn(move || sender.send(state.orphaned().map(|orphaned| orphaned.len()).ok()));
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(Some(0)));
        fs::remove_dir_all(path).expect("removed");
    }
}
