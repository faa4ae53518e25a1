//! `GET /v1/executions/{id}`: the state or the events of an execution.

use super::execution_by_id::ExecutionById;
use crate::{
    request::{negotiate, prefer},
    response::{event_schema::ServerSentEvent, event_stream, json},
};
use axum::response::{IntoResponse, Response};
use cofferdam_http_api::Problem;
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

/// Returns the state of an execution, or its outcome if it has ended.
#[utoipa::path(
    get,
    path = "/v1/executions/{id}",
    tag = "executions",
    params(
        ("id" = String, Path, description = "The id of the execution"),
        ("Accept" = Option<String>, Header, example = "text/event-stream", description = "`text/event-stream` for \
         the events from now until the execution ends"),
        ("Prefer" = Option<String>, Header, example = "wait=10", description = "`wait=N` to wait for the end of \
         the execution, for N seconds at most and never longer than 60 (RFC 7240)"),
    ),
    responses(
        (status = 200, description = "The state of the execution, with its outcome if it has ended", content(
            (cofferdam_http_api::Execution = "application/json"),
            (ServerSentEvent = "text/event-stream"),
        )),
        (status = "4XX", description = "The execution does not exist, or its outcome is no longer kept",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(ExecutionById(execution): ExecutionById, headers: HeaderMap) -> Response {
    // A caller that accepts neither type gets JSON, as RFC 9110, 12.5.1 allows.
    if negotiate::accepts_stream(&headers).unwrap_or(false) {
        let events = execution.subscribe();
        return event_stream::response(execution, None, events);
    }
    let Some(wait) = prefer::wait(&headers) else {
        return json::response(StatusCode::OK, execution.to_json());
    };
    // After the timeout the response has the current state.
    let _ = timeout(wait, execution.wait()).await;
    let applied = [(prefer::PREFERENCE_APPLIED, format!("wait={}", wait.as_secs()))];
    (applied, json::response(StatusCode::OK, execution.to_json())).into_response()
}
