//! The handle of a session.

use super::{Ended, ExecutionInfo, ExecutionSpec, Files, SessionExecution, SessionInfo, SessionUpdate};
use cofferdam_protocol::Usage;
use cofferdam_types::Error;

/// A session. Dropping the handle does not close it. A call on it counts as a request, after which its idle time starts
/// again.
#[derive(Debug, Clone)]
pub struct Session(());

impl Session {
    /// What it is now.
    #[must_use]
    pub fn info(&self) -> SessionInfo {
        unimplemented!()
    }

    /// What its sandbox uses now.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn usage(&self) -> Result<Usage, Error> {
        unimplemented!()
    }

    /// Changes its end, its idle timeout or its metadata.
    ///
    /// # Errors
    ///
    /// The session has ended, or the operator's ceilings do not allow it: then nothing is changed.
    pub async fn update(&self, _update: SessionUpdate) -> Result<SessionInfo, Error> {
        unimplemented!()
    }

    /// Closes it, and waits until its sandbox is deleted, within a bound of the backend.
    ///
    /// # Errors
    ///
    /// The session has ended otherwise.
    pub async fn close(&self) -> Result<(), Error> {
        unimplemented!()
    }

    /// Starts an execution.
    ///
    /// # Errors
    ///
    /// The session has ended, or the specification is refused.
    pub async fn start(&self, _spec: ExecutionSpec) -> Result<SessionExecution, Error> {
        unimplemented!()
    }

    /// Its running executions, and a bounded number of those that have ended, in the order of their start.
    #[must_use]
    pub fn executions(&self) -> Vec<ExecutionInfo> {
        unimplemented!()
    }

    /// One of these executions.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn execution(&self, _id: &str) -> Result<SessionExecution, Error> {
        unimplemented!()
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> Files {
        unimplemented!()
    }

    /// Waits until it has ended.
    pub async fn ended(&self) -> Ended {
        unimplemented!()
    }
}
