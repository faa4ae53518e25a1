//! Refuses requests for sessions if the sidecar has none.

use crate::{api_error::ApiError, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use std::sync::Arc;

/// Refuses a request for sessions if the operator or the backend allows none.
pub(crate) async fn require(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !state.runtime.has_sessions() {
        let text = "this sidecar has no sessions: its backend or its operator does not support them; use /v1/executions";
        return Err(ApiError::invalid(StatusCode::NOT_IMPLEMENTED, text));
    }
    Ok(next.run(request).await)
}
