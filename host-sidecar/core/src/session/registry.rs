//! The sessions of a runtime: by id and by name, within the quotas.

use super::{Ended, SessionConfig, SessionRequest, errors, shared::Shared};
use cofferdam_types::{Error, ErrorCode, quoted};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Ended sessions that are remembered.
const MAX_TOMBSTONES: usize = 1024;
/// The period of the quota of creations.
const CREATION_PERIOD: Duration = Duration::from_secs(60);

/// Whose a session is; none: of a sidecar without tenants.
type Tenant = Option<Arc<str>>;

/// The sessions of a runtime. They end with it.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(super) config: Arc<SessionConfig>,
    registry: Mutex<Registry>,
    /// The tasks of the sessions, which end when their sandboxes are deleted.
    pub(super) tasks: TaskTracker,
    /// Set when all sessions have to end.
    pub(super) closing: CancellationToken,
    _closes_when_dropped: DropGuard,
}

#[derive(Debug, Default)]
struct Registry {
    sessions: HashMap<String, Arc<Shared>>,
    names: HashMap<(Tenant, String), Named>,
    /// Whose sessions are being created, and the memory that they will have.
    opening: HashMap<u64, (Tenant, u64)>,
    next_ticket: u64,
    /// When sessions were created within the last period.
    creations: HashMap<Tenant, VecDeque<Instant>>,
    /// The last sessions that have ended.
    tombstones: VecDeque<(String, Tenant, Ended)>,
    is_closed: bool,
}

/// What has a name.
#[derive(Debug)]
enum Named {
    /// A session that is being created, until the sender is gone.
    Opening(watch::Receiver<()>),
    /// The session with this id.
    Open(String),
}

/// What a request finds.
pub(super) enum Found {
    /// A session of its name.
    Session(Arc<Shared>),
    /// The right to create one.
    Ticket(Ticket),
}

/// The right to create a session. Until it is dropped, its session counts and others wait for its name.
pub(super) struct Ticket {
    sessions: Arc<Sessions>,
    number: u64,
    name: Option<(Tenant, String)>,
    _opening: watch::Sender<()>,
    /// The end of the sidecar waits for it.
    _task: TaskTrackerToken,
}

impl Sessions {
    pub(super) fn new(config: SessionConfig) -> Self {
        let closing = CancellationToken::new();
        Self {
            config: Arc::new(config),
            registry: Mutex::default(),
            tasks: TaskTracker::new(),
            _closes_when_dropped: closing.clone().drop_guard(),
            closing,
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the session of the requested name, or the right to create one with so much memory, of which the tenant may
    /// have `maximum`.
    pub(super) async fn find_or_reserve(
        self: &Arc<Self>,
        tenant: &Tenant,
        request: &SessionRequest,
        memory: u64,
        maximum: u32,
    ) -> Result<Found, Error> {
        let name = request.name.clone().map(|name| (tenant.clone(), name));
        loop {
            let mut opening = {
                let mut registry = self.registry();
                match name.as_ref().and_then(|name| registry.names.get(name)) {
                    Some(Named::Opening(opening)) => opening.clone(),
                    Some(Named::Open(id)) => {
                        let session =
                            registry.sessions.get(id).filter(|session| session.check_open().is_ok());
                        if let Some(session) = session {
                            check_settings(&session.request, request)?;
                            return Ok(Found::Session(session.clone()));
                        }
                        // It has ended, and is removed soon.
                        name.as_ref().map(|name| registry.names.remove(name));
                        continue;
                    }
                    None => {
                        registry.check_quotas(tenant, memory, maximum, &self.config, Instant::now())?;
                        return Ok(Found::Ticket(registry.reserve(self, tenant, name, memory)));
                    }
                }
            };
            // The sender is dropped when the creation has ended.
            let _ = opening.changed().await;
        }
    }

    /// The session with this id. What is not this tenant's is as if it never was.
    pub(super) fn find(&self, tenant: &Tenant, id: &str) -> Result<Arc<Shared>, Error> {
        let registry = self.registry();
        if let Some(session) = registry.sessions.get(id).filter(|session| session.tenant == *tenant) {
            return Ok(session.clone());
        }
        let is_it = |(other, owner, _): &&(String, Tenant, Ended)| other == id && owner == tenant;
        let tombstone = registry.tombstones.iter().find(is_it);
        Err(tombstone.map_or_else(errors::unknown_session, |(_, _, ended)| errors::gone(*ended)))
    }

    /// All sessions of a tenant.
    pub(super) fn of_tenant(&self, tenant: &Tenant) -> Vec<Arc<Shared>> {
        let registry = self.registry();
        registry.sessions.values().filter(|session| session.tenant == *tenant).cloned().collect()
    }

    /// Removes a session that has ended.
    pub(super) fn remove(&self, session: &Shared, ended: Ended) {
        let mut registry = self.registry();
        registry.sessions.remove(&session.id);
        if let Some(name) = session.request.name.clone() {
            let name = (session.tenant.clone(), name);
            // Another session may have the name by now.
            if matches!(registry.names.get(&name), Some(Named::Open(id)) if *id == session.id) {
                registry.names.remove(&name);
            }
        }
        if registry.tombstones.len() == MAX_TOMBSTONES {
            registry.tombstones.pop_front();
        }
        registry.tombstones.push_back((session.id.clone(), session.tenant.clone(), ended));
    }

    /// Ends all sessions, and waits until their sandboxes are deleted. No other is opened.
    pub(crate) async fn close(&self) {
        self.registry().is_closed = true;
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Registry {
    fn check_quotas(
        &mut self,
        tenant: &Tenant,
        memory: u64,
        maximum: u32,
        config: &SessionConfig,
        now: Instant,
    ) -> Result<(), Error> {
        if self.is_closed {
            return Err(ends());
        }
        if maximum == 0 {
            return Err(errors::denied("the operator allows you no sessions"));
        }
        let open = self.sessions.values().map(|session| (&session.tenant, session.plan.memory()));
        let opening = self.opening.values().map(|(tenant, memory)| (tenant, *memory));
        let (mut all, mut own, mut held) = (0, 0, memory);
        for (owner, memory) in open.chain(opening) {
            all += 1;
            own += u32::from(owner == tenant);
            held = held.saturating_add(memory);
        }
        if own >= maximum {
            return Err(quota(format!("you have {own} sessions, the most that there may be")));
        }
        if all >= config.max_sessions || held > config.max_memory_bytes.0 {
            return Err(quota("the sessions of all callers together leave no room for another one"));
        }
        self.creations.retain(|_, times| {
            times.retain(|time| now - *time < CREATION_PERIOD);
            !times.is_empty()
        });
        let times = self.creations.entry(tenant.clone()).or_default();
        if times.len() >= config.creations_per_minute as usize {
            let message =
                format!("you have created {} sessions within a minute, the most allowed", times.len());
            return Err(Error::new(ErrorCode::Quota, format!("{message}; try again later")).retryable());
        }
        times.push_back(now);
        Ok(())
    }

    fn reserve(
        &mut self,
        sessions: &Arc<Sessions>,
        tenant: &Tenant,
        name: Option<(Tenant, String)>,
        memory: u64,
    ) -> Ticket {
        let (sender, receiver) = watch::channel(());
        let number = self.next_ticket;
        self.next_ticket += 1;
        self.opening.insert(number, (tenant.clone(), memory));
        if let Some(name) = name.clone() {
            self.names.insert(name, Named::Opening(receiver));
        }
        Ticket { sessions: sessions.clone(), number, name, _opening: sender, _task: sessions.tasks.token() }
    }
}

impl Ticket {
    /// Adds the session that was created. Others still wait for its name.
    pub(super) fn add(&self, session: Arc<Shared>) -> Result<(), Error> {
        let mut registry = self.sessions.registry();
        if registry.is_closed {
            return Err(ends());
        }
        registry.opening.remove(&self.number);
        registry.sessions.insert(session.id.clone(), session);
        Ok(())
    }

    /// Gives its name to the session with this id, which others have waited for.
    pub(super) fn name(&self, id: &str) {
        if let Some(name) = self.name.clone() {
            self.sessions.registry().names.insert(name, Named::Open(id.to_owned()));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut registry = self.sessions.registry();
        registry.opening.remove(&self.number);
        if let Some(name) = &self.name
            && matches!(registry.names.get(name), Some(Named::Opening(_)))
        {
            registry.names.remove(name);
        }
    }
}

/// A session of a name is the same one only with the same settings.
fn check_settings(opened: &SessionRequest, request: &SessionRequest) -> Result<(), Error> {
    if opened == request {
        return Ok(());
    }
    let name = quoted(request.name.as_deref().unwrap_or_default());
    let message = format!(
        "there is a session {name} that was opened with other settings; repeat those, or use another name"
    );
    Err(Error::new(ErrorCode::Conflict, message))
}

fn quota(message: impl Into<String>) -> Error {
    let message = message.into();
    Error::new(ErrorCode::Quota, format!("{message}; close one, or try again later")).retryable()
}

pub(super) fn ends() -> Error {
    Error::new(ErrorCode::SandboxUnavailable, "the sidecar ends and opens no sessions any more").retryable()
}
