//! `/v1/sessions`: creates and lists sessions.

use crate::{
    api_error::ApiError,
    middleware::access_log::RequestContext,
    request::{json_body::JsonBody, negotiate::IdempotencyKey, query::Query},
    response::json::Json,
    sessions::{self, Key, session_request, session_to_json},
    state::AppState,
    telemetry,
    tenants::Tenant,
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use cofferdam_http_api::{
    Problem,
    session::{SESSIONS, Session, SessionRequest, Sessions},
};
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;

/// The prefix of a parameter that filters by metadata.
const METADATA: &str = "metadata.";

/// Creates a session, or returns that of the caller with this name.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    tag = "sessions",
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
         pattern = r"^[!-~]([ -~]*[!-~])?$", description = "Requests with the same key and the same body create one \
         session; 1 to 255 printable ASCII characters"),
    ),
    request_body(content = SessionRequest, example = json!({ "name": "analysis", "timeout_ms": 3_600_000 })),
    responses(
        (status = 201, description = "The session was created; the header Location has its address", body = Session),
        (status = 200, description = "The session exists: it has this name, or was created with this key",
         body = Session),
        (status = "4XX", description = "The request is refused. 409: a session with this name has other settings. 429: \
         a quota is reached", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "No session could be created. 501: this sidecar has no sessions", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(context): Extension<RequestContext>,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    JsonBody { value, digest }: JsonBody<SessionRequest>,
) -> Result<Response, ApiError> {
    state.refuse_if_shutting_down()?;
    let key = key.map(|key| Key { key, digest });
    let parent = telemetry::parent(&headers);
    let (session, was_created) = sessions::open(&state, tenant, session_request(value), key, parent).await?;
    let info = session.info();
    context.set_session(&info.id);
    let status = if was_created { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("{SESSIONS}/{}", info.id);
    Ok((status, [(header::LOCATION, location)], Json(session_to_json(info))).into_response())
}

/// Lists the caller's sessions.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "sessions",
    params(("metadata.KEY" = Option<String>, Query, description = "A value of the metadata, for any number of keys: \
     only sessions whose metadata has all of them")),
    responses(
        (status = 200, description = "The sessions, sorted by their creation", body = Sessions),
        (status = "4XX", description = "The request is refused", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    Extension(tenant): Extension<Arc<Tenant>>,
    query: Query,
) -> Result<Json<Sessions>, ApiError> {
    let filter: Vec<_> = query.pairs().map(|(name, value)| pair(name, value)).collect::<Result<_, _>>()?;
    let sessions = tenant.runtime.sessions(&filter).into_iter().map(session_to_json).collect();
    Ok(Json(Sessions { sessions }))
}

/// A name and a value of the metadata, from a parameter of the query.
fn pair(name: &str, value: &[u8]) -> Result<(String, String), ApiError> {
    let name = name.strip_prefix(METADATA).ok_or_else(|| {
        ApiError::invalid(StatusCode::BAD_REQUEST, "a parameter of the query is not `metadata.KEY=VALUE`")
    })?;
    Ok((name.to_owned(), String::from_utf8_lossy(value).into_owned()))
}
