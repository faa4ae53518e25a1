//! Sandboxes of gVisor on this machine: one for each execution, no daemon, nothing shared between two sandboxes.

mod backend;
mod bundle;
mod cgroup;
mod config;
pub mod doctor;
mod error;
mod memory_monitor;
mod parts;
mod process;
mod reaper;
mod root;
mod run_dir_guard;
mod runsc;
mod sandbox;
mod state;
mod state_location;

pub use backend::LocalBackend;
pub use config::LocalConfig;
pub use error::{GarbageError, SetupError};

/// Removes what processes that are gone have left, and gives how many runs that were.
///
/// # Errors
///
/// [`SetupError`] for a folder that cannot be used, else what could not be removed.
pub fn collect_garbage(config: &LocalConfig) -> Result<usize, GarbageError> {
    let state = state::StateDir::open(config.state_dir.as_deref())?;
    Ok(reaper::reap(&state)?)
}
