//! The routes of the HTTP API, and the middleware that each request passes.

use crate::{
    api_error::ApiError,
    handlers::{self, cancel, get, health, metrics, openapi, post},
    mcp::{self, Endpoints},
    middleware::{access_log, auth, has_sessions, origin, version},
    response::sandbox_bytes,
    state::AppState,
};
use axum::{
    Extension, Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{self, MethodRouter},
};
use cofferdam_http_api::{EXECUTIONS, session::SESSIONS};
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
/// Those of sessions have two more: they are refused if the sidecar has no sessions, and no browser may show a response.
///
/// Handlers do admission and limit the body: not every request has a body, and admission depends on the
/// tenant.
pub(crate) fn router(state: &Arc<AppState>) -> Router {
    let executions = Router::new()
        .route(EXECUTIONS, versioned(routing::post(post::post)))
        .route(&format!("{EXECUTIONS}/{{id}}"), versioned(routing::get(get::get).delete(cancel::delete)))
        .route(mcp::PATH, versioned(routing::post(mcp::mcp).delete(mcp::mcp)))
        .merge(sessions(state))
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

type Methods = MethodRouter<Arc<AppState>>;

fn versioned(methods: Methods) -> Methods {
    methods.route_layer(from_fn(version::check))
}

/// The routes of sessions, whose responses may have bytes of a sandbox.
fn sessions(state: &Arc<AppState>) -> Router<Arc<AppState>> {
    use handlers::sessions::{
        collection, execution, executions, file, file_calls, session, streams, terminal, tree, watch,
    };
    let routes: [(&str, Methods); 17] = [
        ("", routing::post(collection::create).get(collection::list)),
        ("/{id}", routing::get(session::get).patch(session::update).delete(session::close)),
        ("/{id}/usage", routing::get(session::usage)),
        ("/{id}/executions", routing::post(executions::start).get(executions::list)),
        ("/{id}/executions/{execution}", routing::get(execution::get).delete(execution::kill)),
        ("/{id}/executions/{execution}/output", routing::get(streams::output)),
        ("/{id}/executions/{execution}/stdin", routing::post(streams::stdin)),
        ("/{id}/executions/{execution}/signal", routing::post(execution::signal)),
        ("/{id}/executions/{execution}/resize", routing::post(execution::resize)),
        ("/{id}/executions/{execution}/terminal", routing::get(terminal::terminal)),
        ("/{id}/files", routing::get(file::read).head(file::head).put(file::write).delete(file::remove)),
        ("/{id}/files/stat", routing::get(file_calls::stat)),
        ("/{id}/files/list", routing::get(file_calls::list)),
        ("/{id}/files/directories", routing::post(file_calls::make_directory)),
        ("/{id}/files/move", routing::post(file_calls::move_file)),
        ("/{id}/files/tar", routing::get(tree::read).put(tree::write)),
        ("/{id}/files/watch", routing::get(watch::watch)),
    ];
    let router = routes.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(&format!("{SESSIONS}{path}"), versioned(methods))
    });
    router
        .route_layer(from_fn_with_state(state.clone(), has_sessions::require))
        .route_layer(from_fn(sandbox_bytes::protect))
}

async fn not_found() -> ApiError {
    ApiError::invalid(StatusCode::NOT_FOUND, "unknown path; see /v1/openapi.json")
}

async fn method_not_allowed() -> ApiError {
    ApiError::invalid(StatusCode::METHOD_NOT_ALLOWED, "method not allowed; see /v1/openapi.json")
}
