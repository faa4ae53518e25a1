//! The executions that are known, by tenant. Pure: it is told the time.

use super::execution::Execution;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Hash of a request's body, or of an idempotency key.
pub(super) type Digest = [u8; 32];

/// Bytes of an ended execution beside its outcome.
pub(super) const OVERHEAD: usize = 2048;
/// Ended executions of one tenant that never started and are remembered all the same.
const UNSTARTED: usize = 1000;

/// What is remembered of ended executions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// Bytes of all tenants' outcomes.
    pub(super) bytes: usize,
    /// Executions of one tenant.
    pub(super) runs: usize,
    /// How long.
    pub(super) time: Duration,
}

/// All executions of a sidecar.
#[derive(Debug)]
pub(super) struct Records {
    kept: Kept,
    executions: HashMap<Arc<str>, Record>,
    tenants: HashMap<Arc<str>, TenantRecords>,
    /// Ended executions, by the time at which they are forgotten and their number.
    deadlines: BTreeMap<(Instant, u64), Arc<str>>,
    /// Of the next execution that ends.
    number: u64,
    kept_bytes: usize,
}

/// One execution.
#[derive(Debug)]
pub(super) struct Record {
    tenant: Arc<str>,
    key: Option<Digest>,
    pub(super) digest: Digest,
    /// None where its outcome is no longer kept.
    pub(super) execution: Option<Arc<Execution>>,
    end: Option<End>,
}

/// The end of an execution.
#[derive(Debug, Clone, Copy)]
struct End {
    number: u64,
    deadline: Instant,
    /// Bytes that are kept of it.
    bytes: usize,
    kind: Kind,
}

/// What may be done with an ended execution before its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has an idempotency key: its outcome may go, the record stays.
    Keyed,
    /// It may be forgotten.
    Unkeyed,
    /// It never started: it is forgotten before any other.
    Unstarted,
}

/// Executions of one tenant. Those that have ended are in their order.
#[derive(Debug, Default)]
struct TenantRecords {
    keys: HashMap<Digest, Arc<str>>,
    ended: [BTreeMap<u64, Arc<str>>; 3],
    /// Those whose outcome is kept.
    outcomes: BTreeMap<u64, Arc<str>>,
    kept_bytes: usize,
    /// Bytes of the outcomes that anybody holds, also those that are not kept.
    held: Arc<AtomicUsize>,
}

/// How an execution has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    /// Bytes of its outcome.
    pub(super) bytes: usize,
    /// Whether it had got its turn.
    pub(super) started: bool,
    /// Whether a request with its key may run the program.
    pub(super) retryable: bool,
}

impl TenantRecords {
    fn ended(&mut self, kind: Kind) -> &mut BTreeMap<u64, Arc<str>> {
        let [keyed, unkeyed, unstarted] = &mut self.ended;
        match kind {
            Kind::Keyed => keyed,
            Kind::Unkeyed => unkeyed,
            Kind::Unstarted => unstarted,
        }
    }

    fn oldest(&mut self, kind: Kind) -> Option<Arc<str>> {
        self.ended(kind).first_key_value().map(|(_, id)| id.clone())
    }
}

impl Records {
    pub(super) fn new(kept: Kept) -> Self {
        Self {
            kept,
            executions: HashMap::new(),
            tenants: HashMap::new(),
            deadlines: BTreeMap::new(),
            number: 0,
            kept_bytes: 0,
        }
    }

    /// The tenant's execution of this id.
    pub(super) fn find(&self, tenant: &str, id: &str) -> Option<&Record> {
        self.executions.get(id).filter(|record| &*record.tenant == tenant)
    }

    /// The tenant's execution of this idempotency key.
    pub(super) fn find_key(&self, tenant: &str, key: &Digest) -> Option<&Record> {
        self.executions.get(self.tenants.get(tenant)?.keys.get(key)?)
    }

    /// All executions whose outcome is not known to be gone.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Execution>> {
        self.executions.values().filter_map(|record| record.execution.as_ref())
    }

    /// Adds one that begins.
    pub(super) fn insert(&mut self, execution: Arc<Execution>, tenant: &str, key: Option<Digest>, digest: Digest) {
        let (id, tenant): (Arc<str>, Arc<str>) = (execution.id.as_str().into(), tenant.into());
        let records = self.tenants.entry(tenant.clone()).or_default();
        records.keys.extend(key.map(|key| (key, id.clone())));
        self.executions.insert(id, Record { tenant, key, digest, execution: Some(execution), end: None });
    }

    /// Makes sure that the tenant may have one key more.
    ///
    /// # Errors
    ///
    /// How long until one of its keys is forgotten; none where all are of executions that have not ended.
    pub(super) fn make_room_for_key(&mut self, tenant: &str, now: Instant) -> Result<(), Option<Duration>> {
        while let Some(records) = self.tenants.get_mut(tenant).filter(|records| records.keys.len() >= self.kept.runs) {
            let has_key = |id: &&Arc<str>| self.executions.get(*id).is_some_and(|record| record.key.is_some());
            let Some(unstarted) = records.ended(Kind::Unstarted).values().find(has_key).cloned() else {
                let oldest = records.oldest(Kind::Keyed).and_then(|id| self.executions.get(&id)?.end);
                return Err(oldest.map(|end| end.deadline.saturating_duration_since(now)));
            };
            self.forget(&unstarted);
        }
        Ok(())
    }

    /// Notes that an execution has ended, and lets go of what is beyond the bounds.
    pub(super) fn end(&mut self, id: &str, ending: Ending, now: Instant) {
        if ending.retryable {
            self.free_key(id);
        }
        let Some((id, _)) = self.executions.get_key_value(id) else { return };
        let id = id.clone();
        let Some(record) = self.executions.get_mut(&id) else { return };
        let Some(records) = self.tenants.get_mut(&record.tenant) else { return };
        let kind = match (ending.started, record.key) {
            (false, _) => Kind::Unstarted,
            (true, Some(_)) => Kind::Keyed,
            (true, None) => Kind::Unkeyed,
        };
        let (number, deadline) = (self.number, now + self.kept.time);
        let bytes = if ending.started { ending.bytes + OVERHEAD } else { 0 };
        record.end = Some(End { number, deadline, bytes, kind });
        if bytes > 0 {
            records.outcomes.insert(number, id.clone());
        }
        records.kept_bytes += bytes;
        records.ended(kind).insert(number, id.clone());
        self.deadlines.insert((deadline, number), id);
        (self.number, self.kept_bytes) = (number + 1, self.kept_bytes + bytes);
        let tenant = record.tenant.clone();
        self.trim(&tenant);
        self.shrink();
    }

    /// Whether there is an execution of this id with its outcome.
    pub(super) fn keeps(&self, id: &str) -> bool {
        self.executions.get(id).is_some_and(|record| record.execution.is_some())
    }

    /// Forgets what has ended long enough ago; gives the time of the next.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        while let Some((&(deadline, _), id)) = self.deadlines.first_key_value() {
            if deadline > now {
                return Some(deadline);
            }
            self.forget(&id.clone());
        }
        None
    }

    /// Bytes of the tenant's outcomes that somebody holds and that are not kept.
    pub(super) fn unread(&self, tenant: &str) -> usize {
        self.tenants.get(tenant).map_or(0, |records| {
            let kept = records.kept_bytes.saturating_sub(OVERHEAD * records.outcomes.len());
            records.held.load(Ordering::Relaxed).saturating_sub(kept)
        })
    }

    /// Counts the bytes of the tenant's outcomes that somebody holds.
    pub(super) fn held(&mut self, tenant: &str) -> Arc<AtomicUsize> {
        self.tenants.entry(tenant.into()).or_default().held.clone()
    }

    /// Forgets the tenant's oldest executions that may be forgotten, until there are as few as there may be.
    fn trim(&mut self, tenant: &str) {
        while let Some(records) = self.tenants.get_mut(tenant) {
            let [keyed, unkeyed, unstarted] = records.ended.each_ref().map(BTreeMap::len);
            let oldest = if unstarted > UNSTARTED.min(self.kept.runs) {
                records.oldest(Kind::Unstarted)
            } else if keyed + unkeyed > self.kept.runs {
                records.oldest(Kind::Unkeyed)
            } else {
                None
            };
            let Some(oldest) = oldest else { return };
            self.forget(&oldest);
        }
    }

    /// Lets go of outcomes until the rest is small enough: the tenant that holds the most loses its oldest. One with less than
    /// an equal part of the whole is never that one. That the executions took place stays known.
    fn shrink(&mut self) {
        while self.kept_bytes > self.kept.bytes {
            let most = self.tenants.values_mut().max_by_key(|records| records.kept_bytes);
            let Some(oldest) = most.and_then(|records| records.outcomes.first_key_value()).map(|(_, id)| id.clone())
            else {
                return;
            };
            self.drop_outcome(&oldest);
        }
    }

    fn drop_outcome(&mut self, id: &str) {
        let Some(record) = self.executions.get_mut(id) else { return };
        record.execution = None;
        let Some(end) = &mut record.end else { return };
        let bytes = std::mem::take(&mut end.bytes);
        self.kept_bytes -= bytes;
        if let Some(records) = self.tenants.get_mut(&record.tenant) {
            records.kept_bytes -= bytes;
            records.outcomes.remove(&end.number);
        }
    }

    fn free_key(&mut self, id: &str) {
        if let Some(record) = self.executions.get_mut(id)
            && let Some(key) = record.key.take()
            && let Some(records) = self.tenants.get_mut(&record.tenant)
        {
            records.keys.remove(&key);
        }
    }

    fn forget(&mut self, id: &str) {
        self.drop_outcome(id);
        self.free_key(id);
        if let Some(Record { tenant, end: Some(end), .. }) = self.executions.remove(id) {
            self.deadlines.remove(&(end.deadline, end.number));
            if let Some(records) = self.tenants.get_mut(&tenant) {
                records.ended(end.kind).remove(&end.number);
            }
        }
    }
}
