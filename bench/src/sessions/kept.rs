//! A sandbox that is kept, whatever keeps it.

use crate::interactive::Failure;
use std::time::{Duration, Instant};

/// A sandbox that is kept between commands.
pub(super) trait KeptSandbox {
    /// Executes `true`.
    fn command(&self) -> Result<(), Failure>;

    /// Writes a file of [`FILE_SIZE`](super::FILE_SIZE) bytes.
    fn write(&self) -> Result<(), Failure>;

    /// Reads that file.
    fn read(&self) -> Result<(), Failure>;

    /// Removes that file.
    fn remove(&self) -> Result<(), Failure>;
}

/// How long this takes.
pub(super) fn time(action: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let start = Instant::now();
    action()?;
    Ok(start.elapsed())
}
