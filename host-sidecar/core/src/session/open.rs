//! Sessions of a runtime.

use super::{Session, SessionConfig, SessionInfo, SessionRequest};
use crate::Runtime;
use cofferdam_types::Error;

impl Runtime {
    /// The same with sessions.
    #[must_use]
    pub fn with_sessions(self, _config: SessionConfig) -> Self {
        self
    }

    /// Whether it has sessions.
    #[must_use]
    pub fn has_sessions(&self) -> bool {
        unimplemented!()
    }

    /// Opens a session; says also whether it was created. If the tenant has a session of the requested name, it is
    /// given instead.
    ///
    /// # Errors
    ///
    /// The policy or a quota refuses the request, a session of its name has other settings, or no sandbox can be created.
    pub async fn open_session(&self, _request: SessionRequest) -> Result<(Session, bool), Error> {
        unimplemented!()
    }

    /// The session with this id.
    ///
    /// # Errors
    ///
    /// The tenant has no such session, or it has ended.
    pub fn session(&self, _id: &str) -> Result<Session, Error> {
        unimplemented!()
    }

    /// The sessions of this tenant that have these names and values in their metadata, in the order of their creation.
    #[must_use]
    pub fn sessions(&self, _metadata: &[(String, String)]) -> Vec<SessionInfo> {
        unimplemented!()
    }
}
