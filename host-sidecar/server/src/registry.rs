//! The executions that are known: those that take place, and for a while those that have ended.

use super::{
    admission::overloaded,
    budget::Charge,
    execution::{Execution, Telling},
    problem::Refusal,
    records::{Digest, Ending, Kept, Record, Records},
};
use axum::{body::Bytes, http::StatusCode};
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
pub(super) struct Registry {
    records: Mutex<Records>,
    /// Bytes of one tenant's outcomes that are not kept and still being read.
    unread: usize,
}

/// What a request leads to.
pub(super) enum Begun {
    /// An execution of its own, which is to be started.
    New(Arc<Execution>, Telling),
    /// An execution that an earlier request has begun.
    Same(Arc<Execution>),
}

impl Registry {
    /// Keeps so much of executions that have ended, and takes no new one of a tenant that leaves so many bytes unread.
    pub(super) fn new(kept: Kept, unread: usize) -> Self {
        Self { records: Mutex::new(Records::new(kept)), unread }
    }

    /// Finds the execution of the tenant's request with this key and body, else begins a new one. One that is detached is asked for
    /// later: it takes the room of a key, so that it is not forgotten before its time either.
    pub(super) fn begin(
        &self,
        key: Option<String>,
        digest: Digest,
        tenant: &str,
        detached: bool,
        make: impl FnOnce() -> (Arc<Execution>, Telling),
    ) -> Result<Begun, Refusal> {
        let key: Option<Digest> = key.map(|key| sha2::Sha256::digest(key).into());
        let mut records = self.records();
        if let Some(record) = key.and_then(|key| records.find_key(tenant, &key)) {
            if record.digest != digest {
                let text = "the Idempotency-Key was used with another body; give each request a key of its own";
                return Err(Refusal::invalid(StatusCode::UNPROCESSABLE_ENTITY, text));
            }
            return execution(record).map(Begun::Same);
        }
        self.refuse_unread(&records, tenant)?;
        if key.is_some() || detached {
            records.make_room_for_key(tenant, Instant::now()).map_err(too_many_keys)?;
        }
        let (execution, telling) = make();
        let key = key.or_else(|| detached.then(|| sha2::Sha256::digest(&execution.id).into()));
        records.insert(execution.clone(), tenant, key, digest);
        Ok(Begun::New(execution, telling))
    }

    /// The tenant's execution of this id.
    pub(super) fn find(&self, tenant: &str, id: &str) -> Result<Arc<Execution>, Refusal> {
        self.records().find(tenant, id).map_or_else(
            || {
                let text = "there is no run of this id; one that has ended is forgotten after serve.kept_seconds";
                Err(Refusal::invalid(StatusCode::NOT_FOUND, text))
            },
            execution,
        )
    }

    /// Refuses to start an execution of a tenant that has left too much unread.
    pub(super) fn check_unread(&self, tenant: &str) -> Result<(), cofferdam_types::Error> {
        self.refuse_unread(&self.records(), tenant)
    }

    fn refuse_unread(&self, records: &Records, tenant: &str) -> Result<(), cofferdam_types::Error> {
        let unread = records.unread(tenant);
        if unread <= self.unread {
            return Ok(());
        }
        Err(overloaded(&format!(
            "your callers are still reading {unread} bytes of outcomes, and {} are the bound (serve.unread_limit): read those \
             answers to their end or close their connections, then send the request again",
            self.unread
        )))
    }

    /// An outcome of the tenant's, or a part of one, that is counted for as long as anybody holds it.
    pub(super) fn hold(&self, tenant: &str, bytes: Bytes) -> Bytes {
        self.hold_charged(tenant, bytes, None)
    }

    /// The same, with what it takes of a budget.
    pub(super) fn hold_charged(&self, tenant: &str, bytes: Bytes, charge: Option<Charge>) -> Bytes {
        let counter = self.records().held(tenant);
        counter.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Held { bytes, counter, _charge: charge })
    }

    /// Notes that an execution has ended. Gives whether its outcome is kept.
    pub(super) fn ended(&self, id: &str, ending: Ending) -> bool {
        let mut records = self.records();
        records.end(id, ending, Instant::now());
        records.keeps(id)
    }

    /// Forgets what has ended long enough ago; gives the time of the next.
    pub(super) fn expire(&self) -> Option<Instant> {
        self.records().expire(Instant::now())
    }

    /// Cancels all that take place.
    pub(super) fn cancel_all(&self) {
        self.records().all().for_each(|execution| execution.cancelled.cancel());
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn execution(record: &Record) -> Result<Arc<Execution>, Refusal> {
    record.execution.clone().ok_or_else(|| {
        let text = "the execution has ended, and its outcome is no longer kept (serve.kept_limit)";
        Refusal::invalid(StatusCode::GONE, text)
    })
}

fn too_many_keys(wait: Option<Duration>) -> Refusal {
    let wait = wait.unwrap_or(Duration::from_secs(1));
    let text = "your idempotency keys and detached executions have reached their bound (serve.kept_runs), and none is forgotten \
                before serve.kept_seconds have passed; send the request again after the time in Retry-After";
    Refusal::from(overloaded(text)).retry_after(wait)
}

/// Bytes that are counted.
struct Held {
    bytes: Bytes,
    counter: Arc<AtomicUsize>,
    _charge: Option<Charge>,
}

/// An execution whose end is still to be noted. Where that never comes, since its task panicked or was dropped, it has ended
/// all the same: it is forgotten in time, and so is its key.
#[derive(Debug)]
pub(super) struct Unended {
    registry: Arc<Registry>,
    id: String,
    is_noted: bool,
}

impl Unended {
    pub(super) fn new(registry: &Arc<Registry>, id: &str) -> Self {
        Self { registry: registry.clone(), id: id.into(), is_noted: false }
    }

    /// Notes the end. Gives whether the outcome is kept.
    pub(super) fn end(mut self, ending: Ending) -> bool {
        self.is_noted = true;
        self.registry.ended(&self.id, ending)
    }
}

impl Drop for Unended {
    fn drop(&mut self) {
        // Whether its program ran is not known.
        if !self.is_noted {
            self.registry.ended(&self.id, Ending { bytes: 0, started: true, retryable: false });
        }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
