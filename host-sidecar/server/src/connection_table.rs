//! Which connections there are, and which one is closed where there is no room for one more. Pure but for its lock.
//!
//! A connection belongs to its peer until a request has shown a token on it, and to the token's tenant from then on. For one more
//! of a peer, the peer with the most connections loses its oldest; for one more of a tenant, a tenant may lose one on which no
//! request is under way. An eighth of the room, and at least one, is for connections without a token.

use super::{admission::overloaded, problem::Refusal};
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

/// The part of all connections, as a divisor, that tenants leave to those that have shown no token.
const WITHOUT_TOKEN: usize = 8;

/// How long a connection is not closed for another one: its first request is on the way.
const GRACE: Duration = Duration::from_millis(100);
/// How long one that goes on sending is not closed either.
const LONG: Duration = Duration::from_secs(10);
/// Between two looks whether a connection can be closed for another one.
const LOOK: Duration = Duration::from_millis(5);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    /// An address; of IPv6 the network that one subscriber has.
    Address(IpAddr),
    /// A user of this machine.
    User(u32),
}

/// All connections.
#[derive(Debug)]
pub(super) struct ConnectionTable {
    max: usize,
    entries: Mutex<Entries>,
    /// Told of each connection that ends.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    /// By the order in which they were accepted.
    entries: BTreeMap<u64, Entry>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    accepted: Instant,
    /// Whose token was shown.
    tenant: Option<Arc<str>>,
    activity: Arc<Activity>,
    closed: CancellationToken,
}

/// What goes on on a connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// A request is under way.
    pub(super) is_busy: AtomicBool,
    /// The other side has not taken all that was written.
    pub(super) is_writing: AtomicBool,
    /// The other side has been asked for more and has sent nothing. One that has sent something is read first.
    pub(super) is_waiting: AtomicBool,
}

/// A connection's place in the table, until it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    table: Arc<ConnectionTable>,
    id: u64,
    pub(super) activity: Arc<Activity>,
    /// Set when it has to make room.
    pub(super) closed: CancellationToken,
}

impl Peer {
    pub(super) fn of_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        })
    }
}

impl Entry {
    /// Whether it may be closed for another one: its first request has had time to come and was read, or it has had all the time
    /// that there is.
    fn can_go(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.accepted);
        age >= LONG || age >= GRACE && self.activity.is_stalled()
    }
}

impl Activity {
    /// Whether the other side neither sends nor reads.
    fn is_stalled(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed) || self.is_writing.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && !self.is_writing.load(Ordering::Relaxed)
    }
}

impl ConnectionTable {
    /// One for so many connections.
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, entries: Mutex::default(), freed: Notify::new() })
    }

    /// Adds a connection, and has another one closed for it where there is no room. Waits where a token was shown on each, or
    /// where the others have just been accepted.
    pub(super) async fn admit(self: &Arc<Self>, peer: Peer) -> Connection {
        loop {
            let freed = self.freed.notified();
            if let Some(connection) = self.try_admit(&peer, Instant::now()) {
                return connection;
            }
            let _ = timeout(LOOK, freed).await;
        }
    }

    fn try_admit(self: &Arc<Self>, peer: &Peer, now: Instant) -> Option<Connection> {
        let mut entries = self.entries();
        while entries.entries.len() >= self.max {
            let oldest = entries.oldest_without_token(now)?;
            entries.close(oldest);
        }
        let id = entries.next;
        entries.next += 1;
        let (activity, closed) = (Arc::new(Activity::default()), CancellationToken::new());
        let entry = Entry {
            peer: peer.clone(),
            accepted: now,
            tenant: None,
            activity: activity.clone(),
            closed: closed.clone(),
        };
        entries.entries.insert(id, entry);
        Some(Connection { table: self.clone(), id, activity, closed })
    }

    /// Connections that tenants may have together.
    fn max_with_token(&self) -> usize {
        // A table of one has nothing to divide.
        (self.max - (self.max / WITHOUT_TOKEN).max(1)).max(1)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Makes it the tenant's, which may have so many.
    ///
    /// # Errors
    ///
    /// The tenant has as many, and requests are under way on all of them.
    pub(super) fn claim(&self, tenant: &str, most: usize) -> Result<(), Refusal> {
        let mut entries = self.table.entries();
        // One that has had to make room answers nothing any more.
        let Some(entry) = entries.entries.get_mut(&self.id) else { return Ok(()) };
        if entry.tenant.as_deref() == Some(tenant) {
            return Ok(());
        }
        entry.tenant = None;
        let all = self.table.max_with_token();
        for (bound, of) in [(most, Some(tenant)), (all, None)] {
            // Counted again for each bound: one that was closed for the first makes room for the second too.
            let counts = entries.with_token(of);
            if counts < bound {
                continue;
            }
            let Some(idle) = entries.oldest_idle(of) else {
                let text = format!(
                    "requests are under way on {counts} connections, as many as there may be (serve.max_connections, \
                     tenants.{tenant}.max_connections); use connections again, or send the request later"
                );
                return Err(overloaded(&text).into());
            };
            entries.close(idle);
        }
        if let Some(entry) = entries.entries.get_mut(&self.id) {
            entry.tenant = Some(tenant.into());
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.table.entries().entries.remove(&self.id);
        self.table.freed.notify_waiters();
    }
}

impl Entries {
    fn close(&mut self, id: u64) {
        if let Some(entry) = self.entries.remove(&id) {
            entry.closed.cancel();
        }
    }

    /// Connections of this tenant, else of all tenants.
    fn with_token(&self, tenant: Option<&str>) -> usize {
        let owners = self.entries.values().filter_map(|entry| entry.tenant.as_deref());
        owners.filter(|owner| tenant.is_none_or(|tenant| tenant == *owner)).count()
    }

    /// The oldest connection that can go, of the peer that has the most on which no token was shown.
    fn oldest_without_token(&self, now: Instant) -> Option<u64> {
        let mut peers: HashMap<&Peer, (usize, u64, Option<u64>)> = HashMap::new();
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.tenant.is_none()) {
            let (count, _, oldest) = peers.entry(&entry.peer).or_insert((0, *id, None));
            *count += 1;
            *oldest = oldest.or_else(|| entry.can_go(now).then_some(*id));
        }
        // Of those with equally many, the one whose connection is the oldest.
        peers.into_values().max_by_key(|(count, first, _)| (*count, u64::MAX - first))?.2
    }

    /// The oldest connection with no request under way of this tenant, else of the tenant that has the most of them.
    fn oldest_idle(&self, tenant: Option<&str>) -> Option<u64> {
        let mut tenants: HashMap<&str, (usize, Option<u64>)> = HashMap::new();
        for (id, entry) in &self.entries {
            let Some(owner) = entry.tenant.as_deref().filter(|owner| tenant.is_none_or(|tenant| tenant == *owner))
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
