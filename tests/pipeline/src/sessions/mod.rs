//! Sessions with a runner in memory and a paused clock.

mod executions;
mod faults;
mod files;
mod life;
mod output;
mod peer;
mod resumable;
mod working_dir;
