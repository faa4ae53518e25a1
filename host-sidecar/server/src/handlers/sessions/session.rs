//! `/v1/sessions/{id}`: one session.

use crate::{
    api_error::ApiError,
    request::json_body::JsonBody,
    response::json::Json,
    sessions::{self, SessionById, session_to_json, session_update, usage_to_json},
};
use cofferdam_http_api::{
    Problem,
    session::{Session, SessionUpdate, Usage},
};
use http::StatusCode;

/// Returns a session.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The id of the session")),
    responses(
        (status = 200, description = "The session", body = Session),
        (status = "4XX", description = "404: the caller has no such session. 410: it has ended, and why", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(SessionById { session, .. }: SessionById) -> Json<Session> {
    Json(session_to_json(session.info()))
}

/// Moves the end of a session, or changes its idle timeout or its metadata.
#[utoipa::path(
    patch,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The id of the session")),
    request_body(content = SessionUpdate, example = json!({ "timeout_ms": 600_000 })),
    responses(
        (status = 200, description = "The changed session", body = Session),
        (status = "4XX", description = "Nothing was changed. 403: a time is above the operator's ceiling", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update(
    SessionById { session, .. }: SessionById,
    JsonBody { value, .. }: JsonBody<SessionUpdate>,
) -> Result<Json<Session>, ApiError> {
    Ok(Json(session_to_json(session.update(session_update(value)).await?)))
}

/// Closes a session: its processes are killed, and its sandbox is deleted with all files.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The id of the session")),
    responses(
        (status = 204, description = "The session is closed and its sandbox is deleted"),
        (status = "4XX", description = "404: the caller has no such session. 410: it had ended, and why", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn close(SessionById { session, .. }: SessionById) -> Result<StatusCode, ApiError> {
    sessions::close(session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns what a session uses now.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/usage",
    tag = "sessions",
    params(("id" = String, Path, description = "The id of the session")),
    responses(
        (status = 200, description = "Its memory, disk, processes and processor time", body = Usage),
        (status = "4XX", description = "The caller has no such session, or it has ended", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn usage(SessionById { session, .. }: SessionById) -> Result<Json<Usage>, ApiError> {
    Ok(Json(usage_to_json(session.usage().await?)))
}
