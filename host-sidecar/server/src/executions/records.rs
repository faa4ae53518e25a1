//! The records of all executions, by tenant. Pure: its callers pass the time.

use super::execution::Execution;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// The hash of a body or of an idempotency key.
pub(crate) type Digest = [u8; 32];

/// Bytes that an ended execution takes beside its outcome.
pub(super) const OVERHEAD: usize = 2048;
/// Maximum number of records of one tenant's ended executions that never ran.
const MAX_UNSTARTED: usize = 1000;

/// How much of ended executions is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// Bytes of all outcomes.
    pub(crate) bytes: usize,
    /// Ended executions of one tenant.
    pub(crate) executions: usize,
    /// Time from the end of an execution to its removal.
    pub(crate) time: Duration,
}

/// The records of all executions.
#[derive(Debug)]
pub(super) struct Records {
    retention: Retention,
    executions: HashMap<Arc<str>, Record>,
    tenants: HashMap<Arc<str>, TenantRecords>,
    /// The ids of ended executions, by expiry time and sequence number.
    deadlines: BTreeMap<(Instant, u64), Arc<str>>,
    /// The sequence number of the next execution that ends.
    next_number: u64,
    kept_bytes: usize,
}

/// The record of one execution.
#[derive(Debug)]
pub(super) struct Record {
    tenant: Arc<str>,
    key: Option<Digest>,
    /// The hash of the request's body.
    pub(super) digest: Digest,
    /// `None` if the outcome has been evicted.
    pub(super) execution: Option<Arc<Execution>>,
    end: Option<End>,
}

/// What is recorded at the end of an execution.
#[derive(Debug, Clone, Copy)]
struct End {
    number: u64,
    deadline: Instant,
    /// Bytes that are kept of it.
    bytes: usize,
    eviction: Eviction,
}

/// What may be evicted of an ended execution before it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eviction {
    /// The outcome only: the execution has an idempotency key.
    OutcomeOnly,
    /// The record.
    Record,
    /// The record, before any other: the program never ran.
    RecordFirst,
}

/// The records of one tenant. Ended executions are sorted by sequence number.
#[derive(Debug, Default)]
struct TenantRecords {
    keys: HashMap<Digest, Arc<str>>,
    outcome_only: BTreeMap<u64, Arc<str>>,
    record: BTreeMap<u64, Arc<str>>,
    record_first: BTreeMap<u64, Arc<str>>,
    /// Ended executions whose outcome is kept.
    outcomes: BTreeMap<u64, Arc<str>>,
    kept_bytes: usize,
    /// Bytes of outcomes in memory, including evicted ones that are still being read.
    tracked_bytes: Arc<AtomicUsize>,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    /// The size of its outcome.
    pub(super) bytes: usize,
    /// Whether it got permission to run.
    pub(super) started: bool,
    /// Whether a request with the same key may execute the program.
    pub(super) frees_key: bool,
}

impl TenantRecords {
    fn ended(&mut self, eviction: Eviction) -> &mut BTreeMap<u64, Arc<str>> {
        match eviction {
            Eviction::OutcomeOnly => &mut self.outcome_only,
            Eviction::Record => &mut self.record,
            Eviction::RecordFirst => &mut self.record_first,
        }
    }

    fn oldest(&mut self, eviction: Eviction) -> Option<Arc<str>> {
        self.ended(eviction).first_key_value().map(|(_, id)| id.clone())
    }

    /// The next record to remove, if the tenant has more records than are kept.
    fn excess(&mut self, max: usize) -> Option<Arc<str>> {
        if self.record_first.len() > MAX_UNSTARTED.min(max) {
            self.oldest(Eviction::RecordFirst)
        } else if self.outcome_only.len() + self.record.len() > max {
            self.oldest(Eviction::Record)
        } else {
            None
        }
    }
}

impl Records {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            executions: HashMap::new(),
            tenants: HashMap::new(),
            deadlines: BTreeMap::new(),
            next_number: 0,
            kept_bytes: 0,
        }
    }

    /// The tenant's execution with this id.
    pub(super) fn find(&self, tenant: &str, id: &str) -> Option<&Record> {
        self.executions.get(id).filter(|record| &*record.tenant == tenant)
    }

    /// The tenant's execution with this idempotency key.
    pub(super) fn find_key(&self, tenant: &str, key: &Digest) -> Option<&Record> {
        self.executions.get(self.tenants.get(tenant)?.keys.get(key)?)
    }

    /// All executions except those whose outcome has been evicted.
    pub(super) fn executions(&self) -> impl Iterator<Item = &Arc<Execution>> {
        self.executions.values().filter_map(|record| record.execution.as_ref())
    }

    pub(super) fn insert(
        &mut self,
        execution: Arc<Execution>,
        tenant: &str,
        key: Option<Digest>,
        digest: Digest,
    ) {
        let (id, tenant): (Arc<str>, Arc<str>) = (execution.id.as_str().into(), tenant.into());
        let records = self.tenants.entry(tenant.clone()).or_default();
        records.keys.extend(key.map(|key| (key, id.clone())));
        self.executions.insert(id, Record { tenant, key, digest, execution: Some(execution), end: None });
    }

    /// Makes room for one more key of the tenant.
    ///
    /// # Errors
    ///
    /// The time until one of its keys expires; `None` if the executions of all of them are still running.
    pub(super) fn make_room_for_key(&mut self, tenant: &str, now: Instant) -> Result<(), Option<Duration>> {
        let max = self.retention.executions;
        while let Some(records) = self.tenants.get_mut(tenant).filter(|records| records.keys.len() >= max) {
            let has_key =
                |id: &&Arc<str>| self.executions.get(*id).is_some_and(|record| record.key.is_some());
            let Some(unstarted) = records.record_first.values().find(has_key).cloned() else {
                let oldest =
                    records.oldest(Eviction::OutcomeOnly).and_then(|id| self.executions.get(&id)?.end);
                return Err(oldest.map(|end| end.deadline.saturating_duration_since(now)));
            };
            self.remove(&unstarted);
        }
        Ok(())
    }

    /// Records the end of an execution, and evicts what exceeds the retention.
    pub(super) fn end(&mut self, id: &str, completion: Completion, now: Instant) {
        if completion.frees_key {
            self.release_key(id);
        }
        let Some((id, _)) = self.executions.get_key_value(id) else { return };
        let id = id.clone();
        let Some(record) = self.executions.get_mut(&id) else { return };
        let Some(records) = self.tenants.get_mut(&record.tenant) else { return };
        let eviction = match (completion.started, record.key) {
            (false, _) => Eviction::RecordFirst,
            (true, Some(_)) => Eviction::OutcomeOnly,
            (true, None) => Eviction::Record,
        };
        let (number, deadline) = (self.next_number, now + self.retention.time);
        let bytes = if completion.started { completion.bytes + OVERHEAD } else { 0 };
        record.end = Some(End { number, deadline, bytes, eviction });
        if bytes > 0 {
            records.outcomes.insert(number, id.clone());
        }
        records.kept_bytes += bytes;
        records.ended(eviction).insert(number, id.clone());
        self.deadlines.insert((deadline, number), id);
        self.next_number = number + 1;
        self.kept_bytes += bytes;
        let tenant = record.tenant.clone();
        self.evict_records(&tenant);
        self.evict_outcomes();
    }

    /// Whether the execution is recorded and its outcome has not been evicted.
    pub(super) fn keeps_outcome(&self, id: &str) -> bool {
        self.executions.get(id).is_some_and(|record| record.execution.is_some())
    }

    /// Removes the expired executions. Returns when the next one expires.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        while let Some((&(deadline, _), id)) = self.deadlines.first_key_value() {
            if deadline > now {
                return Some(deadline);
            }
            self.remove(&id.clone());
        }
        None
    }

    /// Bytes of the tenant's evicted outcomes that are still being read.
    pub(super) fn unread(&self, tenant: &str) -> usize {
        self.tenants.get(tenant).map_or(0, |records| {
            let kept = records.kept_bytes.saturating_sub(OVERHEAD * records.outcomes.len());
            records.tracked_bytes.load(Ordering::Relaxed).saturating_sub(kept)
        })
    }

    /// The counter of the bytes of the tenant's outcomes in memory.
    pub(super) fn tracked_bytes(&mut self, tenant: &str) -> Arc<AtomicUsize> {
        self.tenants.entry(tenant.into()).or_default().tracked_bytes.clone()
    }

    fn evict_records(&mut self, tenant: &str) {
        let max = self.retention.executions;
        while let Some(id) = self.tenants.get_mut(tenant).and_then(|records| records.excess(max)) {
            self.remove(&id);
        }
    }

    /// Evicts outcomes until the others fit: each time the oldest of the tenant with the most bytes, which
    /// always has more than an equal share. The record of an execution with a key remains.
    fn evict_outcomes(&mut self) {
        while self.kept_bytes > self.retention.bytes {
            let largest = self.tenants.values().max_by_key(|records| records.kept_bytes);
            let oldest = largest.and_then(|records| records.outcomes.first_key_value());
            let Some(oldest) = oldest.map(|(_, id)| id.clone()) else { return };
            self.evict_outcome(&oldest);
        }
    }

    fn evict_outcome(&mut self, id: &str) {
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

    fn release_key(&mut self, id: &str) {
        if let Some(record) = self.executions.get_mut(id)
            && let Some(key) = record.key.take()
            && let Some(records) = self.tenants.get_mut(&record.tenant)
        {
            records.keys.remove(&key);
        }
    }

    fn remove(&mut self, id: &str) {
        self.evict_outcome(id);
        self.release_key(id);
        if let Some(Record { tenant, end: Some(end), .. }) = self.executions.remove(id) {
            self.deadlines.remove(&(end.deadline, end.number));
            if let Some(records) = self.tenants.get_mut(&tenant) {
                records.ended(end.eviction).remove(&end.number);
            }
        }
    }
}
