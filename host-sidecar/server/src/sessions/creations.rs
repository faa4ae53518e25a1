//! Creates sessions, at most one for each idempotency key.

use super::track;
use crate::{
    api_error::{ApiError, overloaded},
    state::AppState,
    tenants::Tenant,
};
use cofferdam_core::session::{Session, SessionRequest, short_session_id};
use cofferdam_http_api::Problem;
use cofferdam_types::Error;
use http::StatusCode;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::watch};
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

type Digest = [u8; 32];
/// The id of the session, or why there is none; none while it is being created.
type Creation = Option<Result<String, Box<Problem>>>;

/// The idempotency keys of sessions.
#[derive(Debug)]
pub(crate) struct Creations {
    keys: Mutex<HashMap<(Arc<str>, Digest), KeyEntry>>,
    /// Time for which a key is kept.
    kept: Duration,
    /// Keys of one tenant.
    max: usize,
}

#[derive(Debug)]
struct KeyEntry {
    /// The hash of the request's body.
    digest: Digest,
    creation: watch::Receiver<Creation>,
    since: Instant,
}

/// A key and the hash of the body that came with it.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) digest: Digest,
}

enum Found {
    New(watch::Sender<Creation>),
    Known(watch::Receiver<Creation>),
}

impl Creations {
    pub(crate) fn new(kept: Duration, max: usize) -> Self {
        Self { keys: Mutex::default(), kept, max }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<(Arc<str>, Digest), KeyEntry>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The creation of an earlier request with this key, or a new one.
    fn find(&self, tenant: &str, Key { key, digest }: Key, now: Instant) -> Result<Found, ApiError> {
        let tenant: Arc<str> = tenant.into();
        let key = (tenant.clone(), Sha256::digest(key).into());
        let mut keys = self.keys();
        keys.retain(|_, entry| now.saturating_duration_since(entry.since) < self.kept && !entry.has_failed());
        if let Some(entry) = keys.get(&key) {
            if entry.digest != digest {
                let text =
                    "the Idempotency-Key was used with a different body; use a new key for each request";
                return Err(ApiError::invalid(StatusCode::UNPROCESSABLE_ENTITY, text));
            }
            return Ok(Found::Known(entry.creation.clone()));
        }
        if keys.keys().filter(|(owner, _)| *owner == tenant).count() >= self.max {
            let text = "the limit of your idempotency keys is reached (serve.kept_runs), and each is kept for \
                        serve.kept_seconds; retry later, or give the session a name instead";
            return Err(overloaded(text).into());
        }
        let (sender, creation) = watch::channel(None);
        keys.insert(key, KeyEntry { digest, creation, since: now });
        Ok(Found::New(sender))
    }
}

impl KeyEntry {
    /// Whether there is no session: a later request with the key may create one.
    fn has_failed(&self) -> bool {
        let is_lost = self.creation.has_changed().is_err() && self.creation.borrow().is_none();
        is_lost || matches!(*self.creation.borrow(), Some(Err(_)))
    }
}

/// Opens a session. Returns whether it was created by this request.
pub(crate) async fn open(
    state: &Arc<AppState>,
    tenant: Arc<Tenant>,
    request: SessionRequest,
    key: Option<Key>,
    parent: opentelemetry::Context,
) -> Result<(Session, bool), ApiError> {
    let Some(key) = key else {
        return create(state, tenant, request, parent).await.map(UnclaimedSession::claim);
    };
    match state.creations.find(&tenant.name, key, Instant::now())? {
        Found::Known(creation) => Ok((tenant.runtime.session(&created(creation).await?)?, false)),
        Found::New(sender) => {
            let state = state.clone();
            // It continues if the caller disconnects, who asks with the same key again.
            let task = tokio::spawn(async move {
                let result = create(&state, tenant, request, parent).await.map(UnclaimedSession::claim);
                let creation = match &result {
                    Ok((session, _)) => Ok(session.info().id),
                    Err(error) => Err(Box::new(error.problem().clone())),
                };
                sender.send_replace(Some(creation));
                result
            });
            task.await.map_err(|error| Error::internal("the session could not be created", error))?
        }
    }
}

/// Waits for the session of another request with the same key.
async fn created(mut creation: watch::Receiver<Creation>) -> Result<String, ApiError> {
    match creation.wait_for(Option::is_some).await.ok().and_then(|creation| creation.clone()) {
        Some(result) => result.map_err(|problem| ApiError::from(*problem)),
        None => Err(Error::internal("the session could not be created", "its task was lost").into()),
    }
}

/// A session that its caller does not know yet: it is closed when this is dropped before it is claimed.
struct UnclaimedSession {
    session: Session,
    was_created: bool,
    /// Whether the caller knows it anyway, by its name.
    is_known: bool,
}

impl UnclaimedSession {
    fn claim(mut self) -> (Session, bool) {
        self.is_known = true;
        (self.session.clone(), self.was_created)
    }
}

impl Drop for UnclaimedSession {
    fn drop(&mut self) {
        if let (false, Ok(runtime)) = (self.is_known, Handle::try_current()) {
            let session = self.session.clone();
            // Fails if it has ended.
            runtime.spawn(async move { session.close().await });
        }
    }
}

/// Creates a session in a task of its own: if the caller disconnects, nothing is left half made.
async fn create(
    state: &Arc<AppState>,
    tenant: Arc<Tenant>,
    request: SessionRequest,
    parent: opentelemetry::Context,
) -> Result<UnclaimedSession, ApiError> {
    let span = tracing::info_span!("session", id = Empty, tenant = tenant.name, otel.status_code = Empty);
    // Fails if traces are not exported.
    let _ = span.set_parent(parent);
    let (tasks, state) = (&state.tasks, state.clone());
    let task = async move {
        let has_name = request.name.is_some();
        let opened = tenant.runtime.open_session(request).await;
        let (session, was_created) = opened.inspect_err(|_| {
            Span::current().record("otel.status_code", "ERROR");
        })?;
        Span::current().record("id", short_session_id(&session.info().id));
        if was_created {
            track::session(&state, session.clone());
        }
        Ok(UnclaimedSession { session, was_created, is_known: has_name || !was_created })
    };
    let created = tasks.spawn(task.instrument(span)).await;
    created.map_err(|error| Error::internal("the session could not be created", error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Duration = Duration::from_secs(10);

    fn find(creations: &Creations, tenant: &str, key: &str, body: u8, now: Instant) -> Result<Found, u16> {
        let key = Key { key: key.into(), digest: [body; 32] };
        creations.find(tenant, key, now).map_err(|error| error.problem().status)
    }

    fn is_new(found: &Result<Found, u16>) -> bool {
        matches!(found, Ok(Found::New(_)))
    }

    #[test]
    fn a_key_is_one_creation_of_its_tenant() {
        let (creations, now) = (Creations::new(KEPT, 2), Instant::now());
        let first = find(&creations, "a", "k", 1, now);
        assert!(is_new(&first));
        assert!(matches!(find(&creations, "a", "k", 1, now), Ok(Found::Known(_))));
        assert!(matches!(find(&creations, "a", "k", 2, now), Err(422)));
        let other = find(&creations, "b", "k", 2, now);
        assert!(is_new(&other));
        let second = find(&creations, "a", "l", 1, now);
        assert!(is_new(&second) && matches!(find(&creations, "a", "m", 1, now), Err(429)));
        assert!(is_new(&find(&creations, "a", "m", 1, now + KEPT)), "keys expire");
    }

    #[tokio::test]
    async fn a_key_without_a_session_may_be_used_again() {
        let (creations, now) = (Creations::new(KEPT, 2), Instant::now());
        let Ok(Found::New(sender)) = find(&creations, "a", "k", 1, now) else { panic!("a new key") };
        let Ok(Found::Known(waiting)) = find(&creations, "a", "k", 1, now) else { panic!("a known key") };
        let error = ApiError::from(overloaded("full"));
        sender.send_replace(Some(Err(Box::new(error.problem().clone()))));
        assert_eq!(created(waiting).await.map_err(|error| error.problem().status), Err(429));
        let Ok(Found::New(sender)) = find(&creations, "a", "k", 1, now) else { panic!("a new key") };
        drop(sender);
        let Ok(Found::New(sender)) = find(&creations, "a", "k", 1, now) else { panic!("its task was lost") };
        sender.send_replace(Some(Ok("id".into())));
        drop(sender);
        let Ok(Found::Known(creation)) = find(&creations, "a", "k", 1, now) else { panic!("a known key") };
        assert_eq!(created(creation).await.ok().as_deref(), Some("id"));
    }
}
