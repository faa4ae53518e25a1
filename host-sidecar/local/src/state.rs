//! The state directory: for each sandbox a directory, and beside it a lock file that the sandbox's owner
//! holds locked.

use crate::{SetupError, state_location};
use cofferdam_core::os::regular_file::{self, Links};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

const LOCK_SUFFIX: &str = ".lock";
/// Locked shared to create a sandbox's directory, and exclusively to search for orphaned ones.
const LOCK_FILE: &str = "gate";

/// The directory of all sandboxes of one user.
#[derive(Debug, Clone)]
pub(super) struct StateDir(PathBuf);

impl StateDir {
    /// Opens the directory of the setting, else the first usable default. The defaults do not survive a
    /// reboot.
    pub(super) fn open(configured: Option<&Path>) -> Result<Self, SetupError> {
        // An empty variable is not set, as in the XDG base directory specification.
        let configured = configured.filter(|path| !path.as_os_str().is_empty());
        let candidates = configured.map_or_else(state_location::candidates, |path| vec![path.to_owned()]);
        let mut failure = None;
        for path in candidates {
            match state_location::open(&path, configured.is_some()) {
                Ok(path) => return Ok(Self(path)),
                Err(source) => _ = failure.get_or_insert(SetupError::StateDir { path, source }),
            }
        }
        Err(failure.unwrap_or_else(|| SetupError::StateDir {
            path: PathBuf::new(),
            source: io::Error::other("none of the default directories is absolute"),
        }))
    }

    /// Fails if sandboxes can no longer be created in it.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let usable = state_location::require_usable(&self.0).and_then(|()| self.lock_file().map(|_| ()));
        usable.map_err(|source| SetupError::StateDir { path: self.0.clone(), source })
    }

    /// Creates the directory of a sandbox and locks it.
    pub(super) fn create(&self, id: &str) -> io::Result<RunDir> {
        let lock_file = self.lock_file()?;
        lock_file.lock_shared()?;
        let lock = File::create_new(self.lock_path(id))?;
        lock.lock()?;
        let path = self.0.join(id);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(RunDir { id: id.to_owned(), path, lock_path: self.lock_path(id), _lock: lock })
    }

    /// The directories of sandboxes whose owner has exited. This process then holds their locks.
    pub(super) fn orphaned(&self) -> io::Result<Vec<RunDir>> {
        let lock_file = self.lock_file()?;
        lock_file.lock()?;
        let mut orphaned = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(LOCK_SUFFIX)) else { continue };
            // Foreign files are kept.
            if !cofferdam_core::is_id(id) {
                continue;
            }
            let lock_path = self.lock_path(id);
            // Another process may have deleted it in the meantime.
            let Ok(lock) = regular_file::open(&lock_path, Links::Refuse) else { continue };
            if lock.try_lock().is_ok() {
                orphaned.push(RunDir { id: id.to_owned(), path: self.0.join(id), lock_path, _lock: lock });
            }
        }
        Ok(orphaned)
    }

    fn lock_file(&self) -> io::Result<File> {
        File::options().create(true).truncate(false).write(true).open(self.0.join(LOCK_FILE))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}{LOCK_SUFFIX}"))
    }
}

/// The directory of one sandbox, locked.
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

    /// The sandbox's root file system, as far as it is not mounted from the host or the image.
    pub(super) fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// The directory with the runner.
    pub(super) fn runner_dir(&self) -> PathBuf {
        self.path.join("runner")
    }

    /// The file that identifies the launcher, which becomes runsc.
    pub(super) fn launcher_record(&self) -> PathBuf {
        self.path.join("launcher")
    }

    /// The directory for runsc's own state.
    pub(super) fn runsc_root(&self) -> PathBuf {
        self.path.join("runsc")
    }

    /// Deletes the directory, then its lock file.
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
    fn a_fifo_in_place_of_a_lock_file_does_not_block() {
        let state = StateDir(env::temp_dir().join(format!("cofferdam-state-{}", new_id())));
        fs::create_dir(&state.0).expect("a directory");
        mkfifoat(CWD, state.lock_path(&new_id()), Mode::RUSR | Mode::WUSR).expect("a FIFO");
        let (sender, receiver) = channel();
        let path = state.0.clone();
        thread::spawn(move || sender.send(state.orphaned().map(|orphaned| orphaned.len()).ok()));
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(Some(0)));
        fs::remove_dir_all(path).expect("removed");
    }
}
