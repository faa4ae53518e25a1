//! The registry of executions: running ones, and for a while ended ones.

use super::{
    execution::{Execution, Publisher},
    records::{Completion, Digest, Record, Records, Retention},
};
use crate::{
    admission::memory::MemoryCharge,
    api_error::{ApiError, overloaded},
};
use axum::body::Bytes;
use cofferdam_types::Error;
use http::StatusCode;
use sha2::Digest as _;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// All executions of a sidecar.
#[derive(Debug)]
pub(crate) struct Registry {
    records: Mutex<Records>,
    /// Maximum bytes of one tenant's evicted outcomes that are still being read.
    max_unread: usize,
}

/// The execution of a request.
pub(super) enum Entry {
    /// A new execution, which the caller must start.
    Created(Arc<Execution>, Publisher),
    /// The execution of an earlier request.
    Existing(Arc<Execution>),
}

impl Registry {
    pub(crate) fn new(retention: Retention, max_unread: usize) -> Self {
        Self { records: Mutex::new(Records::new(retention)), max_unread }
    }

    /// Finds the execution of the tenant's earlier request with this key and body, or creates a new one. A
    /// detached execution takes the room of a key: its caller asks for it later, so it must not be evicted
    /// early.
    pub(super) fn get_or_insert(
        &self,
        key: Option<String>,
        digest: Digest,
        tenant: &str,
        detached: bool,
        create: impl FnOnce() -> (Arc<Execution>, Publisher),
    ) -> Result<Entry, ApiError> {
        let key: Option<Digest> = key.map(|key| sha2::Sha256::digest(key).into());
        let mut records = self.records();
        if let Some(record) = key.and_then(|key| records.find_key(tenant, &key)) {
            if record.digest != digest {
                let text =
                    "the Idempotency-Key was used with a different body; use a new key for each request";
                return Err(ApiError::invalid(StatusCode::UNPROCESSABLE_ENTITY, text));
            }
            return execution(record).map(Entry::Existing);
        }
        self.check_unread_in(&records, tenant)?;
        if key.is_some() || detached {
            records.make_room_for_key(tenant, Instant::now()).map_err(too_many_keys)?;
        }
        let (execution, publisher) = create();
        let key = key.or_else(|| detached.then(|| sha2::Sha256::digest(&execution.id).into()));
        records.insert(execution.clone(), tenant, key, digest);
        Ok(Entry::Created(execution, publisher))
    }

    /// The tenant's execution with this id.
    pub(crate) fn find(&self, tenant: &str, id: &str) -> Result<Arc<Execution>, ApiError> {
        let records = self.records();
        let Some(record) = records.find(tenant, id) else {
            let text = "execution not found; an execution is removed serve.kept_seconds after its end";
            return Err(ApiError::invalid(StatusCode::NOT_FOUND, text));
        };
        execution(record)
    }

    /// Refuses to start an execution if too many bytes of the tenant's evicted outcomes are still being read.
    pub(super) fn check_unread(&self, tenant: &str) -> Result<(), Error> {
        self.check_unread_in(&self.records(), tenant)
    }

    fn check_unread_in(&self, records: &Records, tenant: &str) -> Result<(), Error> {
        let unread = records.unread(tenant);
        if unread <= self.max_unread {
            return Ok(());
        }
        Err(overloaded(&format!(
            "{unread} bytes of your outcomes are still being read, and {} are the limit (serve.unread_limit); read the \
             responses to their end or close their connections, then retry",
            self.max_unread
        )))
    }

    /// Counts the bytes of an outcome of the tenant, or of a part of one, while they are in memory.
    pub(crate) fn track(&self, tenant: &str, bytes: Bytes) -> Bytes {
        self.track_charged(tenant, bytes, None)
    }

    /// The same, and holds a memory charge for as long.
    pub(super) fn track_charged(&self, tenant: &str, bytes: Bytes, charge: Option<MemoryCharge>) -> Bytes {
        let counter = self.records().tracked_bytes(tenant);
        counter.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(TrackedBytes { bytes, counter, _charge: charge })
    }

    /// Records the end of an execution. Returns whether its outcome is kept.
    pub(super) fn end(&self, id: &str, completion: Completion) -> bool {
        let mut records = self.records();
        records.end(id, completion, Instant::now());
        records.keeps_outcome(id)
    }

    /// Removes the expired executions. Returns when the next one expires.
    pub(crate) fn expire(&self) -> Option<Instant> {
        self.records().expire(Instant::now())
    }

    /// Cancels all executions.
    pub(crate) fn cancel_all(&self) {
        self.records().executions().for_each(|execution| execution.cancelled.cancel());
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn execution(record: &Record) -> Result<Arc<Execution>, ApiError> {
    record.execution.clone().ok_or_else(|| {
        let text = "the execution has ended, and its outcome is no longer kept (serve.kept_limit)";
        ApiError::invalid(StatusCode::GONE, text)
    })
}

fn too_many_keys(wait: Option<Duration>) -> ApiError {
    let wait = wait.unwrap_or(Duration::from_secs(1));
    let text = "the limit of your idempotency keys and detached executions is reached (serve.kept_runs), and each is \
                kept for serve.kept_seconds; retry after the time in Retry-After";
    ApiError::from(overloaded(text)).retry_after(wait)
}

/// Bytes that are counted until they are dropped.
struct TrackedBytes {
    bytes: Bytes,
    counter: Arc<AtomicUsize>,
    _charge: Option<MemoryCharge>,
}

impl AsRef<[u8]> for TrackedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for TrackedBytes {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// Records the end of an execution, also if its task panics or is dropped: it and its key expire in any case.
#[derive(Debug)]
pub(super) struct CompletionGuard {
    registry: Arc<Registry>,
    id: String,
    is_recorded: bool,
}

impl CompletionGuard {
    pub(super) fn new(registry: &Arc<Registry>, id: &str) -> Self {
        Self { registry: registry.clone(), id: id.into(), is_recorded: false }
    }

    /// Records the end. Returns whether the outcome is kept.
    pub(super) fn complete(mut self, completion: Completion) -> bool {
        self.is_recorded = true;
        self.registry.end(&self.id, completion)
    }
}

impl Drop for CompletionGuard {
    fn drop(&mut self) {
        if !self.is_recorded {
            // The program may have run, so its key must not be used again.
            self.registry.end(&self.id, Completion { bytes: 0, started: true, frees_key: false });
        }
    }
}

#[cfg(test)]
mod tests;
