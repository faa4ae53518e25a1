//! What all requests share.

use super::{
    SetupError, admission::Bounds, health::Readiness, metrics::Metrics, problem::Refusal, registry::Registry,
    tenants::Tenants,
};
use crate::{
    Sidecar,
    config::{Mcp, Serve, Settings},
};
use axum::http::StatusCode;
use cofferdam_api::ErrorCode;
use std::sync::Arc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A sidecar that serves.
pub(super) struct Server {
    pub(super) sidecar: Sidecar,
    pub(super) bounds: Serve,
    pub(super) mcp: Mcp,
    pub(super) tenants: Tenants,
    pub(super) admission: Arc<Bounds>,
    pub(super) registry: Registry,
    pub(super) metrics: Metrics,
    pub(super) readiness: Readiness,
    /// Runs that take place or wait for their turn.
    pub(super) tasks: TaskTracker,
    /// Set when no more are taken.
    pub(super) ending: CancellationToken,
}

impl Server {
    pub(super) fn new(settings: &Settings, sidecar: Sidecar) -> Result<Self, SetupError> {
        let bounds = settings.serve.clone();
        let admission = Arc::new(Bounds::new(bounds.max_runs, bounds.max_queued));
        Ok(Self {
            tenants: Tenants::new(settings, &sidecar, &admission)?,
            admission,
            registry: Registry::new(bounds.kept_limit.0, bounds.kept_runs),
            metrics: Metrics::new(sidecar.pool_metrics()),
            sidecar,
            readiness: Readiness::default(),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            bounds,
            mcp: settings.mcp.clone(),
        })
    }

    /// Another sidecar will have to do it.
    pub(super) fn refuse_if_ending(&self) -> Result<(), Refusal> {
        if !self.ending.is_cancelled() {
            return Ok(());
        }
        let text = "the sidecar is being shut down; try again when it is up";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, text).retryable())
    }
}
