//! The access log: one line for each request, whatever its result.

use crate::{api_error::ErrorDetail, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use cofferdam_core::session::short_session_id;
use cofferdam_types::without_pointer;
use http::{Method, StatusCode};
use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

/// What inner layers and handlers add to the line of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestContext(Arc<Fields>);

#[derive(Debug, Default)]
struct Fields {
    tenant: OnceLock<String>,
    session: OnceLock<String>,
    execution: OnceLock<String>,
}

impl RequestContext {
    pub(crate) fn set_tenant(&self, name: &str) {
        let _ = self.0.tenant.set(name.to_owned());
    }

    pub(crate) fn set_session(&self, id: &str) {
        let _ = self.0.session.set(short_session_id(id).to_owned());
    }

    pub(crate) fn set_execution(&self, id: &str) {
        let _ = self.0.execution.set(id.to_owned());
    }
}

/// The line of a request. Dropping it writes it, so that a request whose caller disconnects has a line too.
struct Line {
    state: Arc<AppState>,
    method: Method,
    path: String,
    context: RequestContext,
    start: Instant,
    status: Option<StatusCode>,
    reason: Option<String>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { state, method, path, context, start, status, reason } = self;
        let Fields { tenant, session, execution } = &*context.0;
        let (tenant, session, execution) = (tenant.get(), session.get(), execution.get());
        let status = status.map_or_else(|| "hung up".to_owned(), |status| status.as_str().to_owned());
        state.metrics.record_request(method, &status);
        let duration = start.elapsed();
        tracing::info!(
            target: "cofferdam::access", %method, path, status, reason, tenant, session, execution, ?duration
        );
    }
}

/// The path with the part of a session's id that logs have.
fn path_for_log(path: &str) -> String {
    let mut is_id = false;
    let segments = path.split('/').map(|segment| {
        let shown = if is_id { short_session_id(segment) } else { segment };
        is_id = segment == "sessions";
        shown
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Writes the line of a request. Its duration ends with the head of the response.
pub(crate) async fn log(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let context = RequestContext::default();
    request.extensions_mut().insert(context.clone());
    let (method, path) = (request.method().clone(), path_for_log(request.uri().path()));
    let mut line = Line { state, method, path, context, start: Instant::now(), status: None, reason: None };
    let response = next.run(request).await;
    line.status = Some(response.status());
    line.reason = response.extensions().get().map(|ErrorDetail(detail)| without_pointer(detail).to_owned());
    response
}
