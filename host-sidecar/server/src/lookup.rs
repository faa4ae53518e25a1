//! `GET` and `DELETE`: a run is looked up or followed, and cancelled.

use super::{
    access::Noted, execution::Execution, json_parts, negotiate, prefer, problem::Refusal, server::Server,
    server_sent::ServerSentEvent, stream::stream, tenants::Tenant,
};
use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use cofferdam_http_api::Problem;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a cancelled run may take to be over before its caller is told that it takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds a run of the caller's own.
#[utoipa::path(
    get,
    path = "/v1/executions/{id}",
    tag = "executions",
    params(
        ("id" = String, Path, description = "The run"),
        ("Accept" = Option<String>, Header, example = "text/event-stream", description = "`text/event-stream` for events from now on until the run is over"),
        ("Prefer" = Option<String>, Header, example = "wait=10", description = "`wait=N` to be answered when the run is over, or after N seconds, \
         60 at the most"),
    ),
    responses(
        (status = 200, description = "How far it is, or what came of it", content(
            (cofferdam_http_api::Execution = "application/json"),
            (ServerSentEvent = "text/event-stream"),
        )),
        (status = "4XX", description = "There is no such run, or what came of it is no longer kept", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(Found(execution): Found, headers: HeaderMap) -> Response {
    // Who accepts neither gets JSON all the same, as RFC 9110 allows.
    if negotiate::stream(&headers).unwrap_or(false) {
        let feed = execution.feed();
        return stream(execution, None, feed);
    }
    let Some(wait) = prefer::wait(&headers) else { return json_parts(StatusCode::OK, execution.to_json()) };
    // One that is not over is told as far as it is.
    let _ = timeout(wait, execution.answer()).await;
    let applied = [(prefer::PREFERENCE_APPLIED, format!("wait={}", wait.as_secs()))];
    (applied, json_parts(StatusCode::OK, execution.to_json())).into_response()
}

/// Cancels a run of the caller's own, and answers when it is over. One that is over stays as it is.
#[utoipa::path(
    delete,
    path = "/v1/executions/{id}",
    tag = "executions",
    params(("id" = String, Path, description = "The run")),
    responses(
        (status = 200, description = "It is over; nothing of it is left", body = cofferdam_http_api::Execution),
        (status = 202, description = "It will be over soon", body = cofferdam_http_api::Execution),
        (status = "4XX", description = "There is no such run, or what came of it is no longer kept", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(Found(execution): Found) -> Response {
    execution.cancelled.cancel();
    let is_over = timeout(PATIENCE, execution.answer()).await.is_ok();
    json_parts(if is_over { StatusCode::OK } else { StatusCode::ACCEPTED }, execution.to_json())
}

/// A run of the caller's own, which the path names. What cannot be an id is that of no run.
pub(super) struct Found(Arc<Execution>);

impl FromRequestParts<Arc<Server>> for Found {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Refusal> {
        let id = Path::<String>::from_request_parts(parts, server).await.map_or_else(|_| String::new(), |Path(id)| id);
        let tenant = parts.extensions.get::<Arc<Tenant>>().map_or("", |tenant| &tenant.name);
        let execution = server.registry.find(tenant, &id)?;
        if let Some(noted) = parts.extensions.get::<Noted>() {
            noted.execution(&execution.id);
        }
        Ok(Self(execution))
    }
}
