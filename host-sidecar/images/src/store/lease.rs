//! What keeps an image in the store while it is used: a shared lock on its file. The kernel releases it with
//! the process.

use crate::ImageError;
use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    time::SystemTime,
};

/// Keeps an image in the store.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "it holds the lock")] File);

impl Lease {
    /// That of a file; none if it has been removed. The time of the file becomes that of its last use.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, ImageError> {
        let failed = || ImageError::io(format!("open {}", path.display()));
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed()(error)),
        };
        file.lock_shared().map_err(failed())?;
        file.set_modified(SystemTime::now()).map_err(failed())?;
        // It may have been removed between the two calls; gVisor could not open it then.
        Ok(path.exists().then_some(Self(file)))
    }

    /// Whether no lease keeps a file. The result holds off new ones while it exists.
    pub(super) fn none_of(path: &Path) -> Result<Option<File>, ImageError> {
        let failed = || ImageError::io(format!("lock {}", path.display()));
        let file = File::open(path).map_err(failed())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed()(error)),
        }
    }
}
