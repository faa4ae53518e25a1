//! `/v1/sessions/{id}/executions/{execution}`: one execution.

use crate::{
    api_error::ApiError,
    request::json_body::JsonBody,
    response::json::Json,
    sessions::{ExecutionOfSession, execution_to_json},
};
use cofferdam_core::session::TerminalSize;
use cofferdam_http_api::{
    Problem,
    session::{self, SessionExecution, SignalRequest},
};
use http::StatusCode;

/// Returns an execution of a session.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/executions/{execution}",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of the execution"),
    ),
    responses(
        (status = 200, description = "Its state", body = SessionExecution),
        (status = "4XX", description = "The session or the execution does not exist, or the session has ended",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(ExecutionOfSession(execution): ExecutionOfSession) -> Json<SessionExecution> {
    Json(execution_to_json(execution.info()))
}

/// Kills all processes of an execution, and responds when it has ended.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}/executions/{execution}",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of the execution"),
    ),
    responses(
        (status = 200, description = "It has ended", body = SessionExecution),
        (status = "4XX", description = "404: the session or the execution does not exist. 409: it had ended. 410: the \
         session has ended", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn kill(
    ExecutionOfSession(execution): ExecutionOfSession,
) -> Result<Json<SessionExecution>, ApiError> {
    execution.kill().await?;
    execution.wait().await?;
    Ok(Json(execution_to_json(execution.info())))
}

/// Sends a signal to the first process of an execution and its process group.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/executions/{execution}/signal",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of the execution"),
    ),
    request_body(content = SignalRequest, example = json!({ "signal": 15 })),
    responses(
        (status = 204, description = "The signal was sent"),
        (status = "4XX", description = "400: there is no such signal. 409: the execution has ended", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn signal(
    ExecutionOfSession(execution): ExecutionOfSession,
    JsonBody { value, .. }: JsonBody<SignalRequest>,
) -> Result<StatusCode, ApiError> {
    execution.signal(value.signal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the size of the terminal of an execution.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/executions/{execution}/resize",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("execution" = String, Path, description = "The id of the execution"),
    ),
    request_body(content = session::TerminalSize, example = json!({ "columns": 80, "rows": 24 })),
    responses(
        (status = 204, description = "The terminal has this size"),
        (status = "4XX", description = "409: the execution has no terminal, or has ended", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn resize(
    ExecutionOfSession(execution): ExecutionOfSession,
    JsonBody { value, .. }: JsonBody<session::TerminalSize>,
) -> Result<StatusCode, ApiError> {
    execution.resize(TerminalSize { columns: value.columns, rows: value.rows }).await?;
    Ok(StatusCode::NO_CONTENT)
}
