//! Counts sessions and their executions until they end.

use crate::state::AppState;
use cofferdam_core::session::{Session, SessionExecution};
use std::sync::Arc;
use tracing::{Instrument, Span};

/// Counts a session that was created.
pub(super) fn session(state: &Arc<AppState>, session: Session) {
    let state = state.clone();
    let open = state.metrics.sessions.opened();
    tokio::spawn(async move { open.ended(session.ended().await) });
}

/// Counts an execution. The span lasts as long as it.
pub(super) fn execution(state: &Arc<AppState>, execution: SessionExecution, span: Span) {
    let state = state.clone();
    let wait = async move {
        let end = execution.wait().await;
        if end.is_err() {
            Span::current().record("otel.status_code", "ERROR");
        }
        state.metrics.sessions.execution_ended(&end);
    };
    tokio::spawn(wait.instrument(span));
}
