//! Deletes a sandbox when it is dropped.

use crate::{reaper::delete, state::RunDir};
use std::{io, thread};

/// The directory of a sandbox. Dropping the guard deletes the sandbox, also if the caller no longer waits for
/// the execution.
#[derive(Debug)]
pub(crate) struct RunDirGuard(Option<RunDir>);

impl RunDirGuard {
    pub(crate) fn new(dir: RunDir) -> Self {
        Self(Some(dir))
    }

    /// The directory; none while the sandbox is being deleted.
    pub(crate) fn dir(&self) -> Option<&RunDir> {
        self.0.as_ref()
    }

    /// The id of the sandbox; empty while it is being deleted.
    pub(crate) fn id(&self) -> &str {
        self.0.as_ref().map_or("", RunDir::id)
    }

    /// Deletes the sandbox and waits until it is deleted.
    pub(crate) fn delete(mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), delete)
    }
}

impl Drop for RunDirGuard {
    fn drop(&mut self) {
        if let Some(dir) = self.0.take() {
            thread::spawn(move || {
                let id = dir.id().to_owned();
                if let Err(error) = delete(dir) {
                    tracing::warn!(id, %error, "an orphaned sandbox could not be deleted");
                }
            });
        }
    }
}
