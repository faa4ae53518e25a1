//! The transport over streamable HTTP. Clients of the newest revision send each call separately; those of
//! older revisions have sessions, which belong to their tenant. Either way a call is cancelled when its
//! connection closes, like every request of the sidecar. So there is no stream to resume, and no `GET`.

use super::{
    call_context::{Call, CallContext},
    handler::Handler,
    message::{Incoming, Malformed},
    session_tools::SessionLife,
    sessions::Sessions,
};
use crate::{
    api_error::ApiError,
    api_error::overloaded,
    request::body::{self, SMALL_BODY},
    request::negotiate,
    state::AppState,
    tenants::Tenant,
};
use axum::{
    Extension,
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Full};
use rmcp::{
    model::ErrorCode,
    transport::{StreamableHttpServerConfig, StreamableHttpService},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// The header with the session of a message.
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// The prefix of the protocol's headers.
const HEADER_PREFIX: &str = "mcp-";
/// Maximum bytes of a header of the protocol.
const MAX_HEADER: usize = 1024;
/// The value of `Accept` that the library requires, word for word.
const ACCEPT_BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The endpoints of the tenants, each created for the tenant's first message.
#[derive(Default)]
pub(crate) struct Endpoints(Mutex<BTreeMap<String, Endpoint>>);

#[derive(Clone)]
struct Endpoint {
    service: StreamableHttpService<Handler, Sessions>,
    sessions: Sessions,
}

impl Endpoints {
    fn get_or_insert(&self, server: &Arc<AppState>, tenant: &Arc<Tenant>) -> Endpoint {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints.entry(tenant.name.clone()).or_insert_with(|| Endpoint::new(server, tenant)).clone()
    }
}

impl Endpoint {
    fn new(server: &Arc<AppState>, tenant: &Arc<Tenant>) -> Self {
        let sessions = Sessions::new(server.mcp.max_sessions, server.mcp.session_seconds.0);
        // The sidecar has checked the host and the origin, and has read the body.
        let mut config = StreamableHttpServerConfig::default().disable_allowed_hosts().with_sse_retry(None);
        config.max_request_body_bytes = usize::MAX;
        let handler = Handler::new(server.clone(), tenant.clone(), SessionLife::Sidecar);
        let service =
            StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(sessions.clone()), config);
        Self { service, sessions }
    }
}

/// Handles a message of a client.
pub(crate) async fn mcp(
    State(server): State<Arc<AppState>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(endpoints): Extension<Arc<Endpoints>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut head, body) = request.into_parts();
    check_headers(&head.headers)?;
    let endpoint = endpoints.get_or_insert(&server, &tenant);
    if head.method == Method::DELETE {
        return Ok(end_session(endpoint, Request::from_parts(head, Body::empty())).await);
    }
    negotiate::require_json(&head.headers)?;
    negotiate::require_both(&head.headers)?;
    head.headers.insert(header::ACCEPT, ACCEPT_BOTH);
    // A short message needs no admission to be read: it lists tools, cancels, or calls with a short program.
    let is_small = body.size_hint().upper().is_some_and(|size| size <= SMALL_BODY);
    let permit = if is_small {
        None
    } else {
        server.refuse_if_shutting_down()?;
        Some(tenant.admission.try_admit()?)
    };
    let bounds = &server.config;
    let held = body::read(body, bounds.body_limit.0, bounds.body_seconds.0, &tenant.request_memory).await?;
    // The permit moves with the work, which goes on when the client disconnects.
    let ((parsed, mut permit), charge) = held.process(move |bytes| (parse(bytes), permit)).await?;
    if let Some(permit) = &mut permit {
        permit.hold(charge);
    }
    let incoming = match parsed {
        Ok(incoming) => incoming,
        Err(malformed) => return Ok(error_response(&malformed)),
    };
    // The library's own criterion.
    let is_in_session = head.headers.get(SESSION_ID).is_some_and(|session| session.to_str().is_ok());
    if incoming.initializes() && !is_in_session && endpoint.sessions.are_full() {
        return Err(too_many_sessions());
    }
    let disconnected = CancellationToken::new();
    let cancel_on_drop = disconnected.clone().drop_guard();
    head.extensions.insert(CallContext::new(disconnected, Call { permit, call: incoming.call }));
    let envelope = serde_json::to_vec(&incoming.envelope).unwrap_or_default();
    let response = endpoint.service.handle(Request::from_parts(head, Full::new(Bytes::from(envelope)))).await;
    Ok(response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            // Dropped with the end of the response, or when the client disconnects.
            let _ = &cancel_on_drop;
            // Unread data counts against the tenant's limit.
            frame.map_data(|data| server.registry.track(&tenant.name, data))
        }))
    }))
}

/// Reads a message, and checks that the library will parse it. Otherwise the response would be the library's.
fn parse(message: &[u8]) -> Result<Incoming, Malformed> {
    let incoming = Incoming::read(message)?;
    incoming.parse()?;
    Ok(incoming)
}

async fn end_session(endpoint: Endpoint, request: Request) -> Response {
    let mut response = endpoint.service.handle(request).await;
    if response.status() == StatusCode::ACCEPTED {
        // The session has ended; clients take 202 for a failure.
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response.map(Body::new)
}

fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_invalid = |name: &HeaderName, value: &HeaderValue| {
        name.as_str().starts_with(HEADER_PREFIX) && (value.len() > MAX_HEADER || value.to_str().is_err())
    };
    match headers.iter().find(|(name, value)| is_invalid(name, value)) {
        None => Ok(()),
        Some((name, _)) => {
            let text = format!("the header {name} must have at most {MAX_HEADER} printable ASCII characters");
            Err(ApiError::invalid(StatusCode::BAD_REQUEST, text))
        }
    }
}

fn too_many_sessions() -> ApiError {
    overloaded(
        "the session limit of this tenant is reached (mcp.max_sessions); end unused sessions with DELETE",
    )
    .into()
}

/// The response to a malformed message. The status of invalid arguments is 200: clients read the error of a
/// call only from a successful response.
fn error_response(malformed: &Malformed) -> Response {
    let Some(response) = malformed.response() else { return StatusCode::ACCEPTED.into_response() };
    let status =
        if malformed.code == ErrorCode::INVALID_PARAMS { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    (status, [(header::CONTENT_TYPE, "application/json")], response).into_response()
}
