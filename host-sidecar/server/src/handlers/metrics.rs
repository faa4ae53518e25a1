//! `GET /metrics`: the metrics for Prometheus.

use crate::{metrics::MEDIA_TYPE, state::AppState};
use axum::{extract::State, response::IntoResponse};
use http::header;
use std::sync::Arc;

/// Returns the metrics in the OpenMetrics text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "metrics",
    responses((status = 200, description = "The metrics", body = String,
               content_type = "application/openmetrics-text")),
)]
pub(crate) async fn metrics(State(state): State<Arc<AppState>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], state.metrics.encode(state.capacity.usage()))
}
