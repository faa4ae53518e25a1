//! Starts executions of sessions.

use super::{SessionById, track};
use crate::{
    admission::memory::MemoryCharge,
    api_error::{ApiError, overloaded},
    state::AppState,
    tenants::Tenant,
};
use cofferdam_core::session::{ExecutionSpec, Session, SessionExecution, short_session_id};
use cofferdam_types::{Error, ErrorCode, Limits};
use std::{ops::Deref, sync::Arc};
use tokio::time::timeout;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// An execution that its caller waits for: it is killed when this is dropped before [`CallersExecution::release`].
#[derive(Debug)]
pub(crate) struct CallersExecution {
    execution: SessionExecution,
    is_released: bool,
    /// The memory of its output.
    charge: Option<MemoryCharge>,
}

impl CallersExecution {
    /// The memory of its output, for its outcome.
    pub(crate) fn take_charge(&mut self) -> Option<MemoryCharge> {
        self.charge.take()
    }

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

/// Waits for the memory that the output of an execution may take until its caller has it. Of one in the background, or
/// with a terminal, only the last bytes are kept.
async fn reserve(
    state: &AppState,
    tenant: &Tenant,
    session: &Session,
    spec: &ExecutionSpec,
) -> Result<Option<MemoryCharge>, Error> {
    if spec.background || spec.terminal.is_some() {
        return Ok(None);
    }
    let output_bytes = spec.limits.output_bytes.unwrap_or(session.info().limits.output_bytes);
    let memory = Limits { output_bytes, collected_bytes: 0, ..Limits::DEFAULT }.outcome_memory();
    match timeout(state.config.queue_seconds.0, tenant.outcome_memory.acquire(memory)).await {
        Ok(Ok(charge)) => Ok(Some(charge)),
        Ok(Err(closed)) => Err(Error::internal("the sidecar starts no more executions", closed)),
        Err(_) => Err(overloaded(
            "the execution waited for longer than serve.queue_seconds for memory of its output; retry later or with a \
             lower limit of output, or ask the operator to allow more (serve.output_memory)",
        )),
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
        session = short_session_id(&id),
        tenant = tenant.name,
        id = Empty,
        otel.status_code = Empty
    );
    // Fails if traces are not exported.
    let _ = span.set_parent(parent);
    let state = state.clone();
    let is_background = spec.background;
    let charge = reserve(&state, &tenant, &session, &spec).await?;
    let starting = tokio::spawn(async move {
        let execution = session.start(spec).await?;
        span.record("id", execution.info().id);
        track::execution(&state, execution.clone(), span);
        if is_background {
            execution.wait_for_start().await?;
        }
        Ok(CallersExecution { execution, is_released: is_background, charge })
    });
    starting.await.map_err(|error| Error::internal("the execution could not be started", error))?
}
