//! Which request goes where, and through which layers.

use super::{
    access, auth, guard, health, lookup,
    mcp::{self, Endpoints},
    metrics, openapi, post,
    problem::Refusal,
    server::Server,
    version,
};
use axum::{
    Extension, Router,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    routing::{self, MethodRouter, get},
};
use cofferdam_http_api::EXECUTIONS;
use std::sync::Arc;

/// The whole service. A layer that is added later is further out, so the list is read from below:
///
/// 1. the log is outermost: it tells of every request, also of those that the others refuse or that break off;
/// 2. the version is told in every answer, refusals among them;
/// 3. web pages are refused before anything is done for them, with or without a token;
/// 4. then, for executions and MCP only: who it is, so that an unknown caller learns and costs nothing more,
/// 5. and, of a method that there is, whether it speaks our version, before its body is understood by the rules of another.
///
/// Admission and the body's bounds are the handler's, since only some requests have a body, and whether there is a place for
/// one depends on the tenant.
pub(super) fn router(server: &Arc<Server>) -> Router {
    let compared = |methods: MethodRouter<Arc<Server>>| methods.route_layer(from_fn(version::compare));
    let executions = Router::new()
        .route(EXECUTIONS, compared(routing::post(post::post)))
        .route(&format!("{EXECUTIONS}/{{id}}"), compared(get(lookup::get).delete(lookup::delete)))
        .route(mcp::PATH, compared(routing::post(mcp::mcp).delete(mcp::mcp)))
        .method_not_allowed_fallback(not_allowed)
        .layer(Extension(Arc::new(Endpoints::default())))
        .route_layer(from_fn_with_state(server.clone(), auth::authenticate));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/openapi.json", get(openapi::openapi))
        .merge(executions)
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(server.clone(), guard::refuse_web_pages))
        .layer(from_fn(version::tell))
        .layer(from_fn_with_state(server.clone(), access::log))
        .with_state(server.clone())
}

async fn not_found() -> Refusal {
    let text = "there is nothing at this path; /v1/openapi.json says what there is";
    Refusal::invalid(StatusCode::NOT_FOUND, text)
}

async fn not_allowed() -> Refusal {
    let text = "this path has no such method; /v1/openapi.json says which it has";
    Refusal::invalid(StatusCode::METHOD_NOT_ALLOWED, text)
}
