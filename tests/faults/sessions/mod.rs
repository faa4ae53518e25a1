//! Plans of sessions: a seeded sequence of operations on a session of a real sidecar, during one of which a fault
//! happens.

mod case;
mod client;
mod executions;
mod files;
mod host;
mod limits;
mod operation;
mod plan;
mod session;
mod writer;

pub(crate) use case::run;
pub(crate) use host::Place;
pub(crate) use plan::Plan;
