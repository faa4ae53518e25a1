//! Deletes what executions have created: at their end, and after a process has died.

mod garbage;
mod guard;

pub use garbage::collect_garbage;
pub(crate) use guard::CleanupGuard;
