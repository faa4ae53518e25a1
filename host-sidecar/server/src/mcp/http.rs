//! Streamable HTTP. Clients of the newest protocol send each call by itself; older ones have sessions, which belong to their
//! tenant. In either case a call ends with the connection that waits for its answer, as everywhere in the sidecar: there is
//! nothing to resume, and so nothing to `GET`.

use super::{
    handler::{Handler, Message},
    message::{Incoming, Malformed},
    sessions::Sessions,
};
use crate::{
    admission::overloaded,
    body::{self, SMALL},
    negotiate,
    problem::Refusal,
    server::Server,
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

/// Names the session of a message.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// How the headers of the protocol begin.
const HEADERS: &str = "mcp-";
/// Bytes of one of them.
const MAX_HEADER: usize = 1024;
/// What the library wants to be accepted, word by word.
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Where the messages of each tenant go, from its first one on.
#[derive(Default)]
pub(crate) struct Endpoints(Mutex<BTreeMap<String, Endpoint>>);

#[derive(Clone)]
struct Endpoint {
    service: StreamableHttpService<Handler, Sessions>,
    sessions: Sessions,
}

impl Endpoints {
    fn of(&self, server: &Arc<Server>, tenant: &Arc<Tenant>) -> Endpoint {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints.entry(tenant.name.clone()).or_insert_with(|| Endpoint::new(server, tenant)).clone()
    }
}

impl Endpoint {
    fn new(server: &Arc<Server>, tenant: &Arc<Tenant>) -> Self {
        let sessions = Sessions::new(server.mcp.max_sessions, server.mcp.session_seconds.0);
        // Hosts and origins have been looked at by then, and the body has been read.
        let mut config = StreamableHttpServerConfig::default().disable_allowed_hosts().with_sse_retry(None);
        config.max_request_body_bytes = usize::MAX;
        let handler = Handler::new(server.clone(), tenant.clone());
        let service = StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(sessions.clone()), config);
        Self { service, sessions }
    }
}

/// Takes a message of a client's, and answers it.
pub(crate) async fn mcp(
    State(server): State<Arc<Server>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(endpoints): Extension<Arc<Endpoints>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut head, body) = request.into_parts();
    check_headers(&head.headers)?;
    let endpoint = endpoints.of(&server, &tenant);
    if head.method == Method::DELETE {
        return Ok(end_session(endpoint, Request::from_parts(head, Body::empty())).await);
    }
    negotiate::require_json(&head.headers)?;
    negotiate::require_both(&head.headers)?;
    head.headers.insert(header::ACCEPT, BOTH);
    // A short message needs no place to be read: one that lists tools, cancels, or calls with a short program.
    let is_small = body.size_hint().upper().is_some_and(|size| size <= SMALL);
    let place = if is_small {
        None
    } else {
        server.refuse_if_ending()?;
        Some(tenant.admission.place()?)
    };
    let bounds = &server.bounds;
    let held = body::read(body, bounds.body_limit.0, bounds.body_seconds.0, &tenant.budget).await?;
    // The place goes with the work, which does not end when the client hangs up.
    let ((understood, mut place), charge) = held.understand(move |bytes| (understand(bytes), place)).await?;
    if let Some(place) = &mut place {
        place.keep(charge);
    }
    let incoming = match understood {
        Ok(incoming) => incoming,
        Err(malformed) => return Ok(answer(&malformed)),
    };
    // By the library's own measure of what is in a session.
    let is_in_session = head.headers.get(SESSION).is_some_and(|session| session.to_str().is_ok());
    if incoming.initializes() && !is_in_session && endpoint.sessions.are_full() {
        return Err(too_many_sessions());
    }
    let gone = CancellationToken::new();
    let waiting = gone.clone().drop_guard();
    head.extensions.insert(Message::new(gone, place, incoming.call));
    let envelope = serde_json::to_vec(&incoming.envelope).unwrap_or_default();
    let response = endpoint.service.handle(Request::from_parts(head, Full::new(Bytes::from(envelope)))).await;
    // Dropped with the last of the answer, or when the client hangs up before.
    Ok(response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &waiting;
            // What nobody reads keeps its tenant from more.
            frame.map_data(|data| server.registry.hold(&tenant.name, data))
        }))
    }))
}

/// A message that the library understands too: its own answer to another one is no message.
fn understand(message: &[u8]) -> Result<Incoming, Malformed> {
    let incoming = Incoming::read(message)?;
    incoming.message()?;
    Ok(incoming)
}

async fn end_session(endpoint: Endpoint, request: Request) -> Response {
    let mut response = endpoint.service.handle(request).await;
    if response.status() == StatusCode::ACCEPTED {
        // It has ended; clients take an answer that something will come of it for a failure.
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response.map(Body::new)
}

fn check_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_wrong = |name: &HeaderName, value: &HeaderValue| {
        name.as_str().starts_with(HEADERS) && (value.len() > MAX_HEADER || value.to_str().is_err())
    };
    match headers.iter().find(|(name, value)| is_wrong(name, value)) {
        None => Ok(()),
        Some((name, _)) => {
            let text = format!("the header {name} is not at most {MAX_HEADER} printable ASCII characters");
            Err(Refusal::invalid(StatusCode::BAD_REQUEST, text))
        }
    }
}

fn too_many_sessions() -> Refusal {
    overloaded("there are as many sessions as there may be (mcp.max_sessions); end those that are done").into()
}

/// Says what is wrong with a message. A wrong call is an error of the call, which clients read in an answer alone.
fn answer(malformed: &Malformed) -> Response {
    let Some(answer) = malformed.answer() else { return StatusCode::ACCEPTED.into_response() };
    let status = if malformed.code == ErrorCode::INVALID_PARAMS { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    (status, [(header::CONTENT_TYPE, "application/json")], answer).into_response()
}
