//! The state that all requests share.

use crate::{
    admission::Capacity,
    api_error::ApiError,
    config::{ServeConfig, ServerConfig},
    executions::{Registry, Retention},
    mcp::McpConfig,
    metrics::Metrics,
    readiness::Readiness,
    sessions::Creations,
    setup_error::SetupError,
    tenants::Tenants,
};
use cofferdam_core::Runtime;
use cofferdam_http_api::ErrorCode;
use http::StatusCode;
use std::{
    sync::{Arc, Once},
    time::Instant,
};
use tokio::{sync::Semaphore, time::sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The state of a sidecar, shared by its handlers, its middleware and the MCP tools.
pub(crate) struct AppState {
    pub(crate) runtime: Runtime,
    pub(crate) config: ServeConfig,
    pub(crate) mcp: McpConfig,
    pub(crate) tenants: Tenants,
    pub(crate) capacity: Arc<Capacity>,
    pub(crate) registry: Arc<Registry>,
    /// The idempotency keys of sessions.
    pub(crate) creations: Creations,
    /// One large outcome is serialized at a time: while it is, it is in memory twice.
    pub(crate) large_outcomes: Semaphore,
    /// The task that removes expired executions. The first execution starts it.
    expiry: Once,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    /// Executions that are queued or running.
    pub(crate) tasks: TaskTracker,
    /// Cancelled at the start of the shutdown.
    pub(crate) shutting_down: CancellationToken,
    /// Cancelled when no execution may continue any longer.
    pub(crate) grace_over: CancellationToken,
}

impl AppState {
    pub(crate) fn new(config: &ServerConfig, runtime: Runtime) -> Result<Self, SetupError> {
        let mcp = config.mcp.clone();
        mcp.check_input_dir()?;
        let serve = config.serve.clone();
        let capacity = Arc::new(Capacity::new(serve.max_runs, serve.max_queued));
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let retention = Retention {
            bytes: number(serve.kept_limit.0),
            executions: number(serve.kept_runs.into()),
            time: serve.kept_seconds.0,
        };
        Ok(Self {
            tenants: Tenants::new(config, &runtime, &capacity)?,
            capacity,
            registry: Arc::new(Registry::new(retention, number(serve.unread_limit.0))),
            creations: Creations::new(retention.time, retention.executions),
            large_outcomes: Semaphore::new(1),
            expiry: Once::new(),
            metrics: Metrics::new(runtime.pool_metrics()),
            runtime,
            readiness: Readiness::default(),
            tasks: TaskTracker::new(),
            shutting_down: CancellationToken::new(),
            grace_over: CancellationToken::new(),
            config: serve,
            mcp,
        })
    }

    /// Starts the task that removes expired executions, unless it runs already. The task keeps no execution
    /// and no state alive.
    pub(crate) fn start_expiry(self: &Arc<Self>) {
        self.expiry.call_once(|| {
            let (state, kept) = (Arc::downgrade(self), self.config.kept_seconds.0);
            tokio::spawn(async move {
                while let Some(state) = state.upgrade() {
                    // All are kept for the same time, so an execution that ends later does not expire
                    // earlier.
                    let next = state.registry.expire().unwrap_or_else(|| Instant::now() + kept);
                    drop(state);
                    sleep_until(next.into()).await;
                }
            });
        });
    }

    /// Refuses a new request if the sidecar is shutting down.
    pub(crate) fn refuse_if_shutting_down(&self) -> Result<(), ApiError> {
        if !self.shutting_down.is_cancelled() {
            return Ok(());
        }
        let text = "the sidecar is shutting down; retry when it has restarted";
        Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, text).retryable())
    }
}
