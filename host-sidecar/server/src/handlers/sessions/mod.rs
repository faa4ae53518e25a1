//! The handlers of sessions, a file for each resource.

pub(crate) mod collection;
pub(crate) mod execution;
pub(crate) mod executions;
pub(crate) mod file;
pub(crate) mod file_calls;
pub(crate) mod session;
pub(crate) mod streams;
pub(crate) mod terminal;
pub(crate) mod tree;
pub(crate) mod watch;
