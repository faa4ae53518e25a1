//! Opens the sessions of cases, in new sandboxes or in prewarmed ones.

use crate::conformance::Failure;
use cofferdam::{
    Runtime,
    config::Settings,
    core::session::{Session, SessionConfig, SessionRequest},
    types::{Error, Request, RequestedLimits},
};

/// Attempts to open a session in a prewarmed sandbox, which may have ended meanwhile.
const MAX_ATTEMPTS: usize = 5;

/// A runtime with sessions, and where its sandboxes come from.
#[derive(Debug, Clone)]
pub struct SessionDriver {
    pub(super) runtime: Runtime,
    /// Whether each session must be made of a prewarmed sandbox.
    is_warm: bool,
}

impl SessionDriver {
    /// Whether the backend of these settings has sessions.
    ///
    /// # Errors
    ///
    /// The settings are invalid.
    pub fn is_possible(settings: &Settings) -> Result<bool, Failure> {
        Ok(settings.runtime()?.with_sessions(SessionConfig::default()).has_sessions())
    }

    /// A driver, which makes each session of a prewarmed sandbox if it is warm.
    #[must_use]
    pub fn new(runtime: Runtime, is_warm: bool) -> Self {
        Self { runtime, is_warm }
    }

    /// Waits until all its sandboxes are deleted.
    pub async fn drain(&self) {
        self.runtime.drain().await;
    }

    /// Opens a session of a tenant. The outer error: it was not made of a prewarmed sandbox.
    pub(super) async fn open(
        &self,
        tenant: &str,
        request: SessionRequest,
    ) -> Result<Result<(Session, bool), Error>, Failure> {
        let runtime = self.runtime.with_tenant(tenant);
        if !self.is_warm {
            return Ok(runtime.open_session(request).await);
        }
        for _ in 0..MAX_ATTEMPTS {
            let can_prewarm = runtime.warm_up(prewarm_request(&request)).await.is_ok();
            let result = runtime.open_session(request.clone()).await;
            match &result {
                Ok((session, true)) if can_prewarm && !session.info().warm => {
                    session.close().await.map_err(|error| error.message)?;
                }
                _ => return Ok(result),
            }
        }
        Err("no session was made of a prewarmed sandbox".into())
    }
}

/// A request for the same kind of sandbox.
fn prewarm_request(request: &SessionRequest) -> Request {
    Request {
        code: "#".into(),
        language: request.language.clone(),
        image: request.image.clone(),
        network: request.network.clone(),
        limits: RequestedLimits { wall_time_ms: None, startup_time_ms: None, ..request.limits },
        ..Request::default()
    }
}
