//! Whether the sidecar lives, and whether it can run programs.

use super::{problem::Refusal, server::Server};
use axum::{extract::State, http::StatusCode};
use cofferdam_core::Runtime;
use cofferdam_types::Error;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How long an answer of the backend's holds. Probes come every few seconds, and each would ask the cluster.
const FRESH: Duration = Duration::from_secs(5);

/// What the backend said last.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Result<(), Error>)>>);

impl Readiness {
    /// Asks, unless it has been asked just now. Who comes meanwhile waits for the same answer.
    pub(super) async fn of(&self, sidecar: &Runtime) -> Result<(), Error> {
        let mut last = self.0.lock().await;
        if let Some((_, said)) = last.as_ref().filter(|(asked, _)| asked.elapsed() < FRESH) {
            return said.clone();
        }
        let said = sidecar.ready().await;
        if let Err(error) = &said {
            tracing::warn!(code = ?error.code, error = error.log_message(), detail = error.detail, "not ready");
        }
        *last = Some((Instant::now(), said.clone()));
        said
    }
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "It lives", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The backend answers, and requests are taken.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "Programs can be run", body = String),
        (status = 503, description = "They cannot", body = cofferdam_http_api::Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(super) async fn readyz(State(server): State<Arc<Server>>) -> Result<&'static str, Refusal> {
    server.refuse_if_ending()?;
    match server.readiness.of(&server.sidecar).await {
        Ok(()) => Ok("ok\n"),
        Err(error) => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.code, error.message)),
    }
}
