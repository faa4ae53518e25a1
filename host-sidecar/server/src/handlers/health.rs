//! `GET /healthz` and `GET /readyz`: probes.

use crate::{api_error::ApiError, state::AppState};
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;

/// Returns 200 if the process is alive.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses((status = 200, description = "The process is alive", body = String)),
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Returns 200 if the sidecar accepts requests and its backend can execute programs.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "The sidecar can execute programs", body = String),
        (status = 503, description = "The sidecar is shutting down, or its backend cannot execute programs",
         body = cofferdam_http_api::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn readyz(State(state): State<Arc<AppState>>) -> Result<&'static str, ApiError> {
    state.refuse_if_shutting_down()?;
    match state.readiness.check(&state.runtime).await {
        Ok(()) => Ok("ok\n"),
        Err(error) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.code, error.message)),
    }
}
