//! `DELETE /v1/executions/{id}`: cancels an execution.

use super::execution_by_id::ExecutionById;
use crate::response::json;
use axum::response::Response;
use cofferdam_http_api::Problem;
use http::StatusCode;
use std::time::Duration;
use tokio::time::timeout;

/// Time that a cancelled execution has to end before its caller gets 202.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(20);

/// Cancels an execution and responds when it has ended. An execution that has ended already is not changed.
#[utoipa::path(
    delete,
    path = "/v1/executions/{id}",
    tag = "executions",
    params(("id" = String, Path, description = "The id of the execution")),
    responses(
        (status = 200, description = "The execution has ended and its sandbox is deleted",
         body = cofferdam_http_api::Execution),
        (status = 202, description = "The execution is being cancelled", body = cofferdam_http_api::Execution),
        (status = "4XX", description = "The execution does not exist, or its outcome is no longer kept",
         body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete(ExecutionById(execution): ExecutionById) -> Response {
    execution.cancelled.cancel();
    let has_ended = timeout(CANCEL_TIMEOUT, execution.wait()).await.is_ok();
    json::response(if has_ended { StatusCode::OK } else { StatusCode::ACCEPTED }, execution.to_json())
}
