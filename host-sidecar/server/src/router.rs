//! The routes of the HTTP API, and the middleware that each request passes.

use crate::{
    api_error::ApiError,
    handlers::{cancel, get, health, metrics, openapi, post},
    mcp::{self, Endpoints},
    middleware::{access_log, auth, origin, version},
    state::AppState,
};
use axum::{
    Extension, Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{self, MethodRouter},
};
use cofferdam_http_api::EXECUTIONS;
use http::StatusCode;
use std::sync::Arc;

/// The whole API. A layer that is added later is further out, so read the list from the bottom:
///
/// 1. the access log is outermost: it records every request, also those that are refused or aborted;
/// 2. every response, errors included, states the API version;
/// 3. requests of web pages are refused before anything else is done for them, with or without a token;
/// 4. for executions and MCP only: authentication, so that an unknown caller costs nothing more;
/// 5. for known methods: the API version is checked before the body is parsed.
///
/// Handlers do admission and limit the body: not every request has a body, and admission depends on the
/// tenant.
pub(crate) fn router(state: &Arc<AppState>) -> Router {
    let versioned = |methods: MethodRouter<Arc<AppState>>| methods.route_layer(from_fn(version::check));
    let executions = Router::new()
        .route(EXECUTIONS, versioned(routing::post(post::post)))
        .route(&format!("{EXECUTIONS}/{{id}}"), versioned(routing::get(get::get).delete(cancel::delete)))
        .route(mcp::PATH, versioned(routing::post(mcp::mcp).delete(mcp::mcp)))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(Arc::new(Endpoints::default())))
        .route_layer(from_fn_with_state(state.clone(), auth::authenticate));
    Router::new()
        .route("/healthz", routing::get(health::healthz))
        .route("/readyz", routing::get(health::readyz))
        .route("/metrics", routing::get(metrics::metrics))
        .route("/v1/openapi.json", routing::get(openapi::openapi))
        .merge(executions)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(state.clone(), origin::refuse_web_pages))
        .layer(from_fn(version::add_header))
        .layer(from_fn_with_state(state.clone(), access_log::log))
        .with_state(state.clone())
}

async fn not_found() -> ApiError {
    ApiError::invalid(StatusCode::NOT_FOUND, "unknown path; see /v1/openapi.json")
}

async fn method_not_allowed() -> ApiError {
    ApiError::invalid(StatusCode::METHOD_NOT_ALLOWED, "method not allowed; see /v1/openapi.json")
}
