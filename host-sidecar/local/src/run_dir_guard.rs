//! Removes the folder of a sandbox with all that it names.

use crate::{reaper::remove, state::RunDir};
use std::{io, thread};

/// The folder of a sandbox. It is removed when this is dropped, also where the caller no longer waits for the execution.
#[derive(Debug)]
pub(crate) struct RunDirGuard(Option<RunDir>);

impl RunDirGuard {
    pub(crate) fn new(dir: RunDir) -> Self {
        Self(Some(dir))
    }

    /// The folder; none while it is being removed.
    pub(crate) fn dir(&self) -> Option<&RunDir> {
        self.0.as_ref()
    }

    /// The id of the sandbox; empty while it is being removed.
    pub(crate) fn id(&self) -> &str {
        self.0.as_ref().map_or("", RunDir::id)
    }

    /// Removes the sandbox and waits until that is done.
    pub(crate) fn remove(mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), remove)
    }
}

impl Drop for RunDirGuard {
    fn drop(&mut self) {
        if let Some(dir) = self.0.take() {
            thread::spawn(move || {
                let id = dir.id().to_owned();
                if let Err(error) = remove(dir) {
                    tracing::warn!(id, %error, "an orphaned sandbox could not be removed");
                }
            });
        }
    }
}
