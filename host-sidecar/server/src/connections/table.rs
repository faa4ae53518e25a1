//! The table of connections, and which one is closed to make room for another. Pure except for its lock.
//!
//! A connection is its peer's until it is authenticated by a token, and from then on the tenant's. To make
//! room for an unauthenticated connection, the oldest of the peer with the most is closed. To make room for
//! an authenticated one, an idle connection of a tenant is closed. An eighth of the table, and at least one
//! entry, is reserved for unauthenticated connections.

use crate::api_error::{ApiError, overloaded};
use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

/// One of this many connections is reserved for unauthenticated ones.
const UNAUTHENTICATED_SHARE: usize = 8;

/// Age up to which a connection is not closed for another: its first request is on the way.
const MIN_AGE: Duration = Duration::from_millis(100);
/// Age up to which a connection that keeps sending is not closed either.
const MIN_ACTIVE_AGE: Duration = Duration::from_secs(10);
/// Interval of checks whether a connection can be closed for another.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// The peer of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    /// An IPv4 address, or the /64 network of an IPv6 address: one subscriber has all of it.
    Address(IpAddr),
    /// A user of this machine.
    User(u32),
}

/// All connections.
#[derive(Debug)]
pub(crate) struct ConnectionTable {
    max: usize,
    entries: Mutex<Entries>,
    /// Notified when a connection ends.
    removed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    /// In the order in which they were accepted.
    by_id: BTreeMap<u64, Entry>,
    next_id: u64,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    accepted: Instant,
    /// The tenant that has authenticated.
    tenant: Option<Arc<str>>,
    activity: Arc<Activity>,
    closed: CancellationToken,
}

/// The activity on a connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// A request is in progress.
    pub(crate) is_busy: AtomicBool,
    /// A write is pending: the peer does not read.
    pub(crate) is_writing: AtomicBool,
    /// A read is pending: the peer does not send.
    pub(crate) is_waiting: AtomicBool,
}

/// A connection's entry in the table. Dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct Connection {
    table: Arc<ConnectionTable>,
    id: u64,
    pub(crate) activity: Arc<Activity>,
    /// Cancelled when the connection must close to make room.
    pub(crate) closed: CancellationToken,
}

impl Peer {
    pub(crate) fn of_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        })
    }
}

impl Entry {
    /// Whether it may be closed for another: it has had time to send its first request, and that has been
    /// read.
    fn can_close(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.accepted);
        age >= MIN_ACTIVE_AGE || age >= MIN_AGE && self.activity.is_stalled()
    }
}

impl Activity {
    /// Whether the peer does not send, or does not read.
    fn is_stalled(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed) || self.is_writing.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && !self.is_writing.load(Ordering::Relaxed)
    }
}

impl ConnectionTable {
    /// A table of at most `max` connections.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, entries: Mutex::default(), removed: Notify::new() })
    }

    /// Adds a connection, and closes another if the table is full. Waits while all others are authenticated
    /// or too young.
    pub(crate) async fn admit(self: &Arc<Self>, peer: Peer) -> Connection {
        loop {
            let removed = self.removed.notified();
            if let Some(connection) = self.try_admit(&peer, Instant::now()) {
                return connection;
            }
            let _ = timeout(RETRY_INTERVAL, removed).await;
        }
    }

    fn try_admit(self: &Arc<Self>, peer: &Peer, now: Instant) -> Option<Connection> {
        let mut entries = self.entries();
        while entries.by_id.len() >= self.max {
            let oldest = entries.oldest_unauthenticated(now)?;
            entries.close(oldest);
        }
        let id = entries.next_id;
        entries.next_id += 1;
        let (activity, closed) = (Arc::new(Activity::default()), CancellationToken::new());
        let entry = Entry {
            peer: peer.clone(),
            accepted: now,
            tenant: None,
            activity: activity.clone(),
            closed: closed.clone(),
        };
        entries.by_id.insert(id, entry);
        Some(Connection { table: self.clone(), id, activity, closed })
    }

    /// Maximum number of authenticated connections.
    fn max_authenticated(&self) -> usize {
        // At least one, even if that is the whole table.
        (self.max - (self.max / UNAUTHENTICATED_SHARE).max(1)).max(1)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Assigns the connection to an authenticated tenant with at most `max` connections.
    ///
    /// # Errors
    ///
    /// The limit of the tenant or of all tenants is reached, and all their connections are busy.
    pub(crate) fn assign(&self, tenant: &str, max: usize) -> Result<(), ApiError> {
        let mut entries = self.table.entries();
        // Without an entry, the connection is being closed.
        let Some(entry) = entries.by_id.get_mut(&self.id) else { return Ok(()) };
        if entry.tenant.as_deref() == Some(tenant) {
            return Ok(());
        }
        entry.tenant = None;
        let all = self.table.max_authenticated();
        for (max, owner) in [(max, Some(tenant)), (all, None)] {
            // Counted for each limit: a connection that was closed for the first makes room for the second
            // too.
            let count = entries.count_authenticated(owner);
            if count < max {
                continue;
            }
            let Some(idle) = entries.oldest_idle(owner) else {
                let text = format!(
                    "the limit of connections is reached (serve.max_connections, tenants.{tenant}.max_connections), and \
                     requests are in progress on all {count}; reuse connections, or retry later"
                );
                return Err(overloaded(&text).into());
            };
            entries.close(idle);
        }
        if let Some(entry) = entries.by_id.get_mut(&self.id) {
            entry.tenant = Some(tenant.into());
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.table.entries().by_id.remove(&self.id);
        self.table.removed.notify_waiters();
    }
}

impl Entries {
    fn close(&mut self, id: u64) {
        if let Some(entry) = self.by_id.remove(&id) {
            entry.closed.cancel();
        }
    }

    /// The number of connections of a tenant, or of all tenants.
    fn count_authenticated(&self, tenant: Option<&str>) -> usize {
        let owners = self.by_id.values().filter_map(|entry| entry.tenant.as_deref());
        owners.filter(|owner| tenant.is_none_or(|tenant| tenant == *owner)).count()
    }

    /// The oldest connection that can be closed, of the peer with the most unauthenticated ones.
    fn oldest_unauthenticated(&self, now: Instant) -> Option<u64> {
        let mut peers: HashMap<&Peer, (usize, u64, Option<u64>)> = HashMap::new();
        for (id, entry) in self.by_id.iter().filter(|(_, entry)| entry.tenant.is_none()) {
            let (count, _, oldest) = peers.entry(&entry.peer).or_insert((0, *id, None));
            *count += 1;
            *oldest = oldest.or_else(|| entry.can_close(now).then_some(*id));
        }
        // Among equals, the peer with the oldest connection.
        peers.into_values().max_by_key(|(count, first, _)| (*count, u64::MAX - first))?.2
    }

    /// The oldest idle connection of a tenant, or of the tenant with the most connections.
    fn oldest_idle(&self, tenant: Option<&str>) -> Option<u64> {
        let mut tenants: HashMap<&str, (usize, Option<u64>)> = HashMap::new();
        for (id, entry) in &self.by_id {
            let Some(owner) =
                entry.tenant.as_deref().filter(|owner| tenant.is_none_or(|tenant| tenant == *owner))
            else {
                continue;
            };
            let (count, idle) = tenants.entry(owner).or_default();
            *count += 1;
            *idle = idle.or_else(|| entry.activity.is_idle().then_some(*id));
        }
        let with_idle = tenants.into_values().filter_map(|(count, idle)| Some((count, idle?)));
        with_idle.max_by_key(|(count, _)| *count).map(|(_, idle)| idle)
    }
}

#[cfg(test)]
mod tests;
