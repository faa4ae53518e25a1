//! Sessions over HTTP: what all interfaces to them share.

mod by_id;
mod close;
mod convert;
mod creations;
mod start;
mod track;

pub(crate) use by_id::{ExecutionOfSession, SessionById};
pub(crate) use close::close;
pub(crate) use convert::{
    end_to_json, entry_to_json, execution_spec, execution_to_json, session_request, session_to_json,
    session_update, usage_to_json,
};
pub(crate) use creations::{Creations, Key, open};
pub(crate) use start::{CallersExecution, start, within_grace};

#[cfg(test)]
mod tests;
