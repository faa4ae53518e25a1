//! What keeps an image in the store while it is used: a shared lock on its file. The kernel releases it with
//! the process.

use super::remove_file;
use crate::ImageError;
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Keeps an image in the store.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "it holds the lock")] File);

impl Lease {
    /// That of a file; none if it has been removed. The time of the file becomes that of its last use.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, ImageError> {
        let Some(file) = open(path)? else { return Ok(None) };
        let failed = || ImageError::io(format!("open {}", path.display()));
        file.lock_shared().map_err(failed())?;
        file.set_modified(SystemTime::now()).map_err(failed())?;
        // It may have been removed between the two calls; gVisor could not open it then.
        Ok(path.exists().then_some(Self(file)))
    }
}

/// A file that no lease keeps. New leases wait while this exists, and then find no file if it was removed.
#[derive(Debug)]
pub(super) struct Unleased {
    path: PathBuf,
    _lock: Option<File>,
}

impl Unleased {
    /// None if a lease keeps the file. A file that is not there has no lease.
    pub(super) fn of(path: PathBuf) -> Result<Option<Self>, ImageError> {
        let Some(file) = open(&path)? else { return Ok(Some(Self { path, _lock: None })) };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _lock: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ImageError::io(format!("lock {}", path.display()))(error)),
        }
    }

    /// Removes the file or folder, if it is there.
    pub(super) fn remove(self) -> Result<(), ImageError> {
        if self.path.is_dir() {
            let failed = ImageError::io(format!("remove {}", self.path.display()));
            return fs::remove_dir_all(&self.path).map_err(failed);
        }
        remove_file(&self.path)
    }
}

fn open(path: &Path) -> Result<Option<File>, ImageError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ImageError::io(format!("open {}", path.display()))(error)),
    }
}
