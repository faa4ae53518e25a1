//! The access log: a line for each request, whatever becomes of it.

use super::{problem::Reason, server::Server};
use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use cofferdam_types::without_pointer;
use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

/// What inner layers and handlers find out about a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    tenant: OnceLock<String>,
    execution: OnceLock<String>,
}

impl Noted {
    /// Whose it is.
    pub(super) fn tenant(&self, name: &str) {
        let _ = self.0.tenant.set(name.to_owned());
    }

    /// Which run it is about.
    pub(super) fn execution(&self, id: &str) {
        let _ = self.0.execution.set(id.to_owned());
    }
}

/// The line of a request, written when this is dropped: also where the caller hangs up before there is an answer.
struct Line {
    server: Arc<Server>,
    method: Method,
    path: String,
    noted: Noted,
    begun: Instant,
    status: Option<StatusCode>,
    reason: Option<String>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { server, method, path, noted, begun, status, reason } = self;
        let (tenant, execution) = (noted.0.tenant.get(), noted.0.execution.get());
        let status = status.map_or_else(|| "hung up".to_owned(), |status| status.as_str().to_owned());
        server.metrics.answered(method, &status);
        let duration = begun.elapsed();
        tracing::info!(target: "cofferdam::access", %method, path, status, reason, tenant, execution, ?duration);
    }
}

/// Writes the line. The duration is that until the head of the answer.
pub(super) async fn log(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut line = Line { server, method, path, noted, begun: Instant::now(), status: None, reason: None };
    let response = next.run(request).await;
    line.status = Some(response.status());
    line.reason = response.extensions().get().map(|Reason(reason)| without_pointer(reason).to_owned());
    response
}
