//! Streamable HTTP. Clients of the newest protocol send each call by itself; older ones have sessions, which belong to their
//! tenant. In either case a call ends with the connection that waits for its answer, as everywhere in the sidecar: there is
//! nothing to resume, and so nothing to `GET`.

use super::handler::{Handler, Message};
use crate::serve::{admission::overloaded, body, problem::Refusal, server::Server, tenants::Tenant};
use axum::{
    Extension,
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderName, Method, StatusCode},
    response::Response,
};
use http_body_util::{BodyExt, Full};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService, streamable_http_server::session::local::LocalSessionManager,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Names the session of a message.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// Bytes of a message that needs no place to be read: what lists tools, cancels, or calls with a short program.
const SMALL: u64 = 64 << 10;
/// How long a session may be silent, beyond the longest run that may take place in it.
const IDLE: Duration = Duration::from_secs(300);

/// Where the messages of each tenant go, from its first one on.
#[derive(Default)]
pub(in crate::serve) struct Endpoints(Mutex<BTreeMap<String, Endpoint>>);

#[derive(Clone)]
struct Endpoint {
    service: StreamableHttpService<Handler, LocalSessionManager>,
    sessions: Arc<LocalSessionManager>,
}

impl Endpoints {
    fn of(&self, server: &Arc<Server>, tenant: &Arc<Tenant>) -> Endpoint {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints.entry(tenant.name.clone()).or_insert_with(|| Endpoint::new(server, tenant)).clone()
    }
}

impl Endpoint {
    fn new(server: &Arc<Server>, tenant: &Arc<Tenant>) -> Self {
        let ceilings = &tenant.sidecar.policy().ceilings;
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(ceilings.startup_time + ceilings.wall_time + IDLE);
        sessions.session_config.sse_retry = None;
        // Kept for who resumes, which nobody does.
        sessions.session_config.completed_cache_ttl = Duration::ZERO;
        let sessions = Arc::new(sessions);
        // Hosts and origins have been looked at by then, and the body has been read.
        let mut config = StreamableHttpServerConfig::default().disable_allowed_hosts().with_sse_retry(None);
        config.max_request_body_bytes = usize::MAX;
        let handler = Handler::new(server.clone(), tenant.clone(), CancellationToken::new());
        let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions.clone(), config);
        Self { service, sessions }
    }

    /// Refuses one session more than there may be.
    async fn refuse_session(&self, message: &[u8], most: u32) -> Result<(), Refusal> {
        #[derive(Deserialize)]
        struct Call<'a> {
            method: Option<&'a str>,
        }
        let sessions = self.sessions.sessions.read().await.len();
        let is_full = sessions >= usize::try_from(most).unwrap_or(usize::MAX);
        let begins = || serde_json::from_slice::<Call<'_>>(message).is_ok_and(|call| call.method == Some("initialize"));
        if is_full && begins() {
            return Err(overloaded("there are as many sessions as there may be; end those that are done").into());
        }
        Ok(())
    }
}

/// Takes a message of a client's, and answers it.
pub(in crate::serve) async fn mcp(
    State(server): State<Arc<Server>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(endpoints): Extension<Arc<Endpoints>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut head, body) = request.into_parts();
    let is_small = body.size_hint().upper().is_some_and(|size| size <= SMALL);
    let place = if is_small {
        None
    } else {
        server.refuse_if_ending()?;
        Some(tenant.admission.place()?)
    };
    let body = body::read(body, server.bounds.body_limit.0, server.bounds.body_seconds.0).await?;
    let endpoint = endpoints.of(&server, &tenant);
    if !head.headers.contains_key(SESSION) {
        endpoint.refuse_session(&body, server.bounds.max_connections).await?;
    }
    let ends_session = head.method == Method::DELETE;
    let gone = CancellationToken::new();
    head.extensions.insert(Message { gone: gone.clone(), place: Arc::new(Mutex::new(place)) });
    let waiting = gone.drop_guard();
    let mut response = endpoint.service.handle(Request::from_parts(head, Full::new(body))).await;
    if ends_session && response.status() == StatusCode::ACCEPTED {
        // It has ended; clients take an answer that something will come of it for a failure.
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    // Dropped with the last of the answer, or when the client hangs up before.
    Ok(response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &waiting;
            frame
        }))
    }))
}
