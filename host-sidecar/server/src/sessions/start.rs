//! Starts executions of sessions.

use super::{SessionById, track};
use crate::{api_error::ApiError, state::AppState};
use cofferdam_core::session::{ExecutionSpec, SessionExecution};
use cofferdam_types::{Error, ErrorCode};
use std::{ops::Deref, sync::Arc};
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// An execution that its caller waits for: it is killed when this is dropped before [`CallersExecution::release`].
#[derive(Debug)]
pub(crate) struct CallersExecution {
    execution: SessionExecution,
    is_released: bool,
}

impl CallersExecution {
    /// From now on the execution continues without its caller.
    pub(crate) fn release(mut self) -> SessionExecution {
        self.is_released = true;
        self.execution.clone()
    }
}

/// Waits for the end of an execution. The shutdown waits for it too, within its limits.
pub(crate) async fn within_grace<T>(
    state: &AppState,
    end: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let _token = state.tasks.token();
    tokio::select! {
        end = end => end,
        () = state.grace_over.cancelled() => {
            let text = "the execution was killed: the sidecar is shutting down";
            Err(Error::new(ErrorCode::Cancelled, text))
        }
    }
}

impl Deref for CallersExecution {
    type Target = SessionExecution;

    fn deref(&self) -> &SessionExecution {
        &self.execution
    }
}

impl Drop for CallersExecution {
    fn drop(&mut self) {
        if self.is_released || self.execution.info().end.is_some() {
            return;
        }
        let execution = self.execution.clone();
        // When the process ends, there may be no runtime, and no session either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Fails if it has just ended.
            runtime.spawn(async move { execution.kill().await });
        }
    }
}

/// Starts an execution; one in the background has started, and so has a process id, when this returns. If the caller
/// disconnects meanwhile, one in the foreground is killed once it has started.
pub(crate) async fn start(
    state: &Arc<AppState>,
    SessionById { session, tenant }: SessionById,
    spec: ExecutionSpec,
    parent: opentelemetry::Context,
) -> Result<CallersExecution, ApiError> {
    let id = session.info().id;
    let span = tracing::info_span!(
        "session_execution",
        session = id,
        tenant = tenant.name,
        id = Empty,
        otel.status_code = Empty
    );
    // Fails if traces are not exported.
    let _ = span.set_parent(parent);
    let state = state.clone();
    let is_background = spec.background;
    let starting = tokio::spawn(async move {
        let execution = session.start(spec).await?;
        span.record("id", execution.info().id);
        track::execution(&state, execution.clone(), span);
        if is_background {
            execution.wait_for_start().await?;
        }
        Ok(CallersExecution { execution, is_released: is_background })
    });
    starting.await.map_err(|error| Error::internal("the execution could not be started", error))?
}
