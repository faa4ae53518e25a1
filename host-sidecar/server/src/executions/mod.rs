//! Executions: submitted, driven to their end, and kept for a while.

mod drive;
mod execution;
mod records;
mod registry;
mod result;
mod serialize;
mod submit;

pub(crate) use execution::{EventReceiver, Execution, Waiter};
pub(crate) use records::Retention;
pub(crate) use registry::Registry;
pub(crate) use result::ExecutionResult;
pub(crate) use serialize::shared_outcome;
pub(crate) use submit::{Submission, submit};
