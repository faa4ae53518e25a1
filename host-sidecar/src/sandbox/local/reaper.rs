//! Taking away what a run was made of.

use super::{
    cgroup::Cgroup,
    process,
    state::{RunDir, StateDir},
};
use std::io;

/// Removes every run whose process is gone, and gives how many there were.
pub(super) fn reap(state: &StateDir) -> io::Result<usize> {
    let abandoned = state.abandoned()?;
    let count = abandoned.len();
    abandoned.into_iter().try_for_each(remove)?;
    Ok(count)
}

/// Removes all of a run: processes first, since they hold the rest; its folder last, since that names the rest.
pub(super) fn remove(dir: RunDir) -> io::Result<()> {
    process::kill_all(&dir.runsc_root())?;
    Cgroup::of(dir.id()).delete()?;
    dir.delete()
}
