//! The handle of a session.

use super::{
    Ended, ExecutionInfo, ExecutionSpec, Files, SessionExecution, SessionInfo, SessionUpdate, errors,
    registry::Sessions, shared::Shared,
};
use cofferdam_protocol::Usage;
use cofferdam_types::Error;
use std::sync::Arc;

/// A session. Dropping the handle does not close it. A call on it counts as a request, after which its idle time starts
/// again.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) shared: Arc<Shared>,
    /// The sessions end with the last runtime and the last handle.
    _sessions: Arc<Sessions>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, sessions: &Arc<Sessions>) -> Self {
        Self { shared, _sessions: sessions.clone() }
    }

    /// What it is now.
    #[must_use]
    pub fn info(&self) -> SessionInfo {
        self.shared.info()
    }

    /// What its sandbox uses now.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn usage(&self) -> Result<Usage, Error> {
        self.shared.usage().await
    }

    /// Changes its end, its idle timeout or its metadata.
    ///
    /// # Errors
    ///
    /// The session has ended, or the operator's ceilings do not allow it: then nothing is changed.
    #[expect(clippy::unused_async, reason = "a backend may have to be told")]
    pub async fn update(&self, update: SessionUpdate) -> Result<SessionInfo, Error> {
        self.shared.update(update)
    }

    /// Closes it, and waits until its sandbox is deleted, within a bound of the backend. One that a caller has closed
    /// stays closed.
    ///
    /// # Errors
    ///
    /// The session has ended otherwise.
    pub async fn close(&self) -> Result<(), Error> {
        self.shared.end(Ended::Closed);
        let ended = self.ended().await;
        self.shared.deleted.cancelled().await;
        if ended == Ended::Closed { Ok(()) } else { Err(errors::gone(ended)) }
    }

    /// Starts an execution.
    ///
    /// # Errors
    ///
    /// The session has ended, or the specification is refused.
    pub async fn start(&self, spec: ExecutionSpec) -> Result<SessionExecution, Error> {
        let execution = self.shared.start(spec).await?;
        Ok(SessionExecution { execution, session: self.clone() })
    }

    /// Its running executions, and a bounded number of those that have ended, in the order of their start.
    #[must_use]
    pub fn executions(&self) -> Vec<ExecutionInfo> {
        self.shared.state().executions.list()
    }

    /// One of these executions.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn execution(&self, id: &str) -> Result<SessionExecution, Error> {
        self.shared.request()?;
        let execution = self.shared.state().executions.find(id)?;
        Ok(SessionExecution { execution, session: self.clone() })
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> Files {
        Files { session: self.clone() }
    }

    /// Waits until it has ended.
    pub async fn ended(&self) -> Ended {
        self.shared.wait_for_end().await
    }
}
