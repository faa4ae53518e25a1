//! The streams of an execution of a session: `…/output` and `…/stdin`.

use crate::{
    api_error::ApiError,
    request::{body_stream::BodyStream, query::Query},
    response::{event_schema::SessionEventSchema, execution_events},
    sessions::{ExecutionOfSession, execution_to_json},
    state::AppState,
};
use axum::{body::Body, extract::State, response::Response};
use cofferdam_core::session::SessionExecution;
use cofferdam_http_api::{ErrorCode, Problem};
use http::StatusCode;
use std::sync::Arc;

/// Returns the output of an execution from a position, and what follows, until it ends. Any number of readers may do so;
/// none holds up another.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/executions/{execution}/output",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of the execution"),
        ("from" = Option<u64>, Query, description = "The number of bytes, of both streams together, that the caller has \
         got. Default: 0"),
    ),
    responses(
        (status = 200, description = "The events", body = SessionEventSchema, content_type = "text/event-stream"),
        (status = "4XX", description = "The session or the execution does not exist, or the session has ended",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn output(
    State(state): State<Arc<AppState>>,
    ExecutionOfSession(execution): ExecutionOfSession,
    query: Query,
) -> Result<Response, ApiError> {
    let from = query.only(&["from"])?.number("from")?.unwrap_or_default();
    let accepted = execution_to_json(execution.info());
    Ok(execution_events::response(&state, accepted, execution.output(from), None))
}

/// Writes to the standard input of an execution, as the bytes come and as it takes them.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/executions/{execution}/stdin",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of the execution"),
        ("close" = Option<bool>, Query, description = "Whether standard input ends after these bytes"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "All bytes were written"),
        (status = "4XX", description = "409: standard input is closed, or the execution has ended", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn stdin(
    State(state): State<Arc<AppState>>,
    ExecutionOfSession(execution): ExecutionOfSession,
    query: Query,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let closes = query.only(&["close"])?.flag("close")?;
    tokio::select! {
        biased;
        written = write(&state, &execution, body) => written?,
        // Bytes may never come.
        _ = execution.wait() => {
            let text = "the execution has ended; its standard input takes no more bytes";
            return Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text));
        }
    }
    if closes {
        execution.close_stdin().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn write(state: &AppState, execution: &SessionExecution, body: Body) -> Result<(), ApiError> {
    let mut body = BodyStream::patient(body);
    while let Some(bytes) = body.next().await? {
        state.metrics.sessions.received(bytes.len());
        execution.write_stdin(bytes.into()).await?;
    }
    Ok(())
}
