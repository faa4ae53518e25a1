//! An execution of a session as server-sent events.

use super::server_sent::{self, EndsAt, encode};
use crate::{
    api_error::to_problem,
    sessions::{CallersExecution, end_to_json},
    state::AppState,
};
use axum::{body::Bytes, response::Response};
use cofferdam_core::{
    Stream,
    session::{OutputEvent, OutputReader},
};
use cofferdam_http_api::{
    Bytes as JsonBytes,
    session::{SessionEvent, SessionExecution, StreamName},
};
use futures_util::{StreamExt, stream::once, stream::unfold};
use std::sync::Arc;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The output of an execution that is being sent.
struct Events {
    state: Arc<AppState>,
    output: OutputReader,
    /// Kills the execution if its caller disconnects, if that waits for it.
    callers: Option<(CallersExecution, TaskTrackerToken)>,
}

/// Sends the output of an execution until it ends. `callers` is the execution if it is this caller's: then it is killed
/// when the caller disconnects, and the shutdown waits for it.
pub(crate) fn response(
    state: &Arc<AppState>,
    accepted: SessionExecution,
    output: OutputReader,
    callers: Option<CallersExecution>,
) -> Response {
    let ends_at = if callers.is_some() { EndsAt::GraceOver } else { EndsAt::Shutdown };
    let callers = callers.map(|execution| (execution, state.tasks.token()));
    let events = Events { state: state.clone(), output, callers };
    let output = unfold(events, async |mut events| Some((events.next().await?, events)));
    let accepted = once(async { to_bytes(&SessionEvent::Accepted { accepted }) });
    server_sent::response(state, &ends_at, accepted.chain(output))
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        let event = self.output.next().await?;
        match &event {
            OutputEvent::Output { bytes, .. } => self.state.metrics.sessions.sent(bytes.len()),
            // It need not be killed any more.
            OutputEvent::End(_) => drop(self.callers.take().map(|(execution, _)| execution.release())),
            _ => {}
        }
        Some(to_bytes(&event_to_json(event)))
    }
}

fn to_bytes(event: &SessionEvent) -> Bytes {
    encode(event.name(), event)
}

/// An event as the HTTP API has it.
pub(crate) fn event_to_json(event: OutputEvent) -> SessionEvent {
    match event {
        OutputEvent::Output { position, stream: Stream::Stdout, bytes } => {
            SessionEvent::Stdout { stdout: JsonBytes(bytes.into()), position }
        }
        OutputEvent::Output { position, stream: Stream::Stderr, bytes } => {
            SessionEvent::Stderr { stderr: JsonBytes(bytes.into()), position }
        }
        OutputEvent::Gap { bytes } => SessionEvent::Gap { gap: bytes },
        OutputEvent::Truncated { stream: Stream::Stdout } => {
            SessionEvent::Truncated { truncated: StreamName::Stdout }
        }
        OutputEvent::Truncated { stream: Stream::Stderr } => {
            SessionEvent::Truncated { truncated: StreamName::Stderr }
        }
        OutputEvent::End(Ok(end)) => SessionEvent::Ended { ended: end_to_json(end) },
        OutputEvent::End(Err(error)) => SessionEvent::Failed { failed: to_problem(error) },
    }
}
