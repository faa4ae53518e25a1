//! Creates gVisor sandboxes on this machine. There is no daemon, and two sandboxes share nothing.

mod backend;
mod bundle;
mod cgroup;
mod config;
mod container;
pub mod doctor;
mod error;
mod images;
mod machine;
mod memory_monitor;
mod parts;
mod process;
mod reaper;
mod root;
mod run_dir_guard;
mod runsc;
mod sandbox;
mod session;
mod state;
mod state_location;

pub use backend::LocalBackend;
pub use config::LocalConfig;
pub use error::{GarbageError, SetupError};
pub use images::{ChosenImage, Image, Images};

/// Deletes the sandboxes whose owner has exited, and returns their number.
///
/// # Errors
///
/// The state directory cannot be used, or a sandbox could not be deleted.
pub fn collect_garbage(config: &LocalConfig) -> Result<usize, GarbageError> {
    let state = state::StateDir::open(config.state_dir.as_deref())?;
    Ok(reaper::reap(&state)?)
}
