//! Options that several commands have.

mod backend;
mod limits;
mod sandbox;

pub(super) use backend::BackendArgs;
pub(super) use limits::{LimitArgs, describe_exceeded, option_of_setting};
pub(super) use sandbox::SandboxArgs;
