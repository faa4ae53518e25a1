//! What all requests share.

use super::{
    SetupError, admission::Bounds, health::Readiness, metrics::Metrics, problem::Refusal, records::Kept,
    registry::Registry, tenants::Tenants,
};
use crate::{
    config::{ServeConfig, ServerConfig},
    mcp::McpConfig,
};
use axum::http::StatusCode;
use cofferdam_core::Runtime;
use cofferdam_http_api::ErrorCode;
use std::{
    sync::{Arc, Once},
    time::Instant,
};
use tokio::{sync::Semaphore, time::sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A sidecar that serves.
pub(super) struct Server {
    pub(super) sidecar: Runtime,
    pub(super) bounds: ServeConfig,
    pub(super) mcp: McpConfig,
    pub(super) tenants: Tenants,
    pub(super) admission: Arc<Bounds>,
    pub(super) registry: Arc<Registry>,
    /// Large outcomes are serialised one after the other: until then each is there twice.
    pub(super) serialising: Semaphore,
    /// The task that forgets executions, which is started with the first of them.
    forgetting: Once,
    pub(super) metrics: Metrics,
    pub(super) readiness: Readiness,
    /// Runs that take place or wait for their turn.
    pub(super) tasks: TaskTracker,
    /// Set when no more are taken.
    pub(super) ending: CancellationToken,
}

impl Server {
    pub(super) fn new(config: &ServerConfig, sidecar: Runtime) -> Result<Self, SetupError> {
        let bounds = config.serve.clone();
        let admission = Arc::new(Bounds::new(bounds.max_runs, bounds.max_queued));
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let kept = Kept {
            bytes: number(bounds.kept_limit.0),
            runs: number(bounds.kept_runs.into()),
            time: bounds.kept_seconds.0,
        };
        Ok(Self {
            tenants: Tenants::new(config, &sidecar, &admission)?,
            admission,
            registry: Arc::new(Registry::new(kept, number(bounds.unread_limit.0))),
            serialising: Semaphore::new(1),
            forgetting: Once::new(),
            metrics: Metrics::new(sidecar.pool_metrics()),
            sidecar,
            readiness: Readiness::default(),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            bounds,
            mcp: config.mcp.clone(),
        })
    }

    /// Has executions that have ended forgotten when their time is over. The task holds none of them, nor the server.
    pub(super) fn forget_in_time(self: &Arc<Self>) {
        self.forgetting.call_once(|| {
            let (server, kept) = (Arc::downgrade(self), self.bounds.kept_seconds.0);
            tokio::spawn(async move {
                while let Some(server) = server.upgrade() {
                    // All are kept for the same time: none that ends from now on is due before.
                    let next = server.registry.expire().unwrap_or_else(|| Instant::now() + kept);
                    drop(server);
                    sleep_until(next.into()).await;
                }
            });
        });
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
