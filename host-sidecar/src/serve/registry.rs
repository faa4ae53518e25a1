//! The runs that are known: those that take place, and for a while those that have ended. Pure but for its lock.

use super::{
    execution::{Execution, Telling},
    problem::Refusal,
};
use axum::http::StatusCode;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Hash of a request's body.
pub(super) type Digest = [u8; 32];

/// All runs of a sidecar.
#[derive(Debug)]
pub(super) struct Registry {
    /// Bytes of outcomes that are kept.
    limit: usize,
    /// Runs that are remembered after their end.
    runs: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    runs: HashMap<String, Entry>,
    /// Runs by tenant and idempotency key.
    keys: HashMap<(String, String), String>,
    /// Those that have ended, the oldest first, with the bytes that are kept of them.
    ended: VecDeque<(String, usize)>,
    size: usize,
}

struct Entry {
    tenant: String,
    key: Option<String>,
    digest: Digest,
    /// None where its outcome is no longer kept.
    execution: Option<Arc<Execution>>,
}

/// What a request leads to.
pub(super) enum Begun {
    /// A run of its own, which is to be started.
    New(Arc<Execution>, Telling),
    /// A run that an earlier request has begun.
    Same(Arc<Execution>),
}

impl Registry {
    /// Keeps outcomes of so many bytes, and remembers so many runs.
    pub(super) fn new(limit: u64, runs: u32) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            runs: usize::try_from(runs).unwrap_or(usize::MAX),
            known: Mutex::default(),
        }
    }

    /// Finds the run of the tenant's request with this key and body, else takes up a new one.
    pub(super) fn begin(
        &self,
        key: Option<String>,
        digest: Digest,
        tenant: &str,
        make: impl FnOnce() -> (Arc<Execution>, Telling),
    ) -> Result<Begun, Refusal> {
        let mut known = self.known();
        if let Some(key) = &key
            && let Some(id) = known.keys.get(&(tenant.to_owned(), key.clone()))
            && let Some(entry) = known.runs.get(id)
        {
            if entry.digest != digest {
                let text = "the Idempotency-Key was used with another body; give each request a key of its own";
                return Err(Refusal::invalid(StatusCode::UNPROCESSABLE_ENTITY, text));
            }
            return entry.execution.clone().map(Begun::Same).ok_or_else(forgotten);
        }
        let (execution, telling) = make();
        if let Some(key) = &key {
            known.keys.insert((tenant.to_owned(), key.clone()), execution.id.clone());
        }
        let entry = Entry { tenant: tenant.to_owned(), key, digest, execution: Some(execution.clone()) };
        known.runs.insert(execution.id.clone(), entry);
        Ok(Begun::New(execution, telling))
    }

    /// The tenant's run of this id.
    pub(super) fn find(&self, tenant: &str, id: &str) -> Result<Arc<Execution>, Refusal> {
        match self.known().runs.get(id).filter(|entry| entry.tenant == tenant) {
            Some(entry) => entry.execution.clone().ok_or_else(forgotten),
            None => {
                let text = "there is no run of this id, or no more: what came of a run is kept for a while only";
                Err(Refusal::invalid(StatusCode::NOT_FOUND, text))
            }
        }
    }

    /// Notes that a run has ended with an outcome of so many bytes. Where it certainly did not take place and may be tried
    /// again, its key is free for that.
    pub(super) fn ended(&self, id: &str, size: usize, may_be_tried_again: bool) {
        let mut known = self.known();
        if may_be_tried_again {
            known.free_key(id);
        }
        known.size += size;
        known.ended.push_back((id.to_owned(), size));
        while known.ended.len() > self.runs
            && let Some((oldest, size)) = known.ended.pop_front()
        {
            known.size -= size;
            known.remove(&oldest);
        }
        known.shrink(self.limit);
    }

    /// Forgets a run that has ended.
    pub(super) fn forget(&self, id: &str) {
        let mut known = self.known();
        if let Some(at) = known.ended.iter().position(|(ended, _)| ended == id)
            && let Some((_, size)) = known.ended.remove(at)
        {
            known.size -= size;
            known.remove(id);
        }
    }

    /// Cancels all that take place.
    pub(super) fn cancel_all(&self) {
        for entry in self.known().runs.values() {
            if let Some(execution) = &entry.execution {
                execution.cancelled.cancel();
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn free_key(&mut self, id: &str) {
        if let Some(entry) = self.runs.get_mut(id)
            && let Some(key) = entry.key.take()
        {
            self.keys.remove(&(entry.tenant.clone(), key));
        }
    }

    fn remove(&mut self, id: &str) {
        self.free_key(id);
        self.runs.remove(id);
    }

    /// Lets go of the oldest outcomes until the rest is small enough. That the runs took place stays known.
    fn shrink(&mut self, limit: usize) {
        for (id, size) in &mut self.ended {
            if self.size <= limit {
                return;
            }
            if let Some(entry) = self.runs.get_mut(id).filter(|_| *size > 0) {
                entry.execution = None;
            }
            self.size -= std::mem::take(size);
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

fn forgotten() -> Refusal {
    Refusal::invalid(StatusCode::GONE, "the run has ended, and what came of it is no longer kept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use std::time::Instant;

    fn begin(registry: &Registry, key: Option<&str>, body: u8, tenant: &str) -> Result<(String, bool), u16> {
        let begun = registry.begin(key.map(str::to_owned), [body; 32], tenant, || Execution::new(Instant::now()));
        match begun {
            Ok(Begun::New(execution, _)) => Ok((execution.id.clone(), true)),
            Ok(Begun::Same(execution)) => Ok((execution.id.clone(), false)),
            Err(refusal) => Err(refusal.into_response().status().as_u16()),
        }
    }

    fn find(registry: &Registry, tenant: &str, id: &str) -> Option<u16> {
        registry.find(tenant, id).err().map(|refusal| refusal.into_response().status().as_u16())
    }

    #[test]
    fn a_key_is_one_run_of_one_tenant_and_one_body() {
        let registry = Registry::new(100, 10);
        let (id, _) = begin(&registry, Some("k"), 1, "a").expect("a run");
        assert_eq!(begin(&registry, Some("k"), 1, "a"), Ok((id.clone(), false)));
        assert_eq!(begin(&registry, Some("k"), 2, "a"), Err(422));
        for (key, tenant) in [(Some("k"), "b"), (Some("l"), "a"), (None, "a"), (None, "a")] {
            let (other, is_new) = begin(&registry, key, 1, tenant).expect("a run");
            assert!(is_new && other != id);
        }
    }

    #[test]
    fn nobody_finds_anothers_run() {
        let registry = Registry::new(100, 10);
        let (id, _) = begin(&registry, None, 1, "a").expect("a run");
        assert_eq!((find(&registry, "a", &id), find(&registry, "b", &id)), (None, Some(404)));
        assert_eq!(find(&registry, "a", "run-0"), Some(404));
    }

    #[test]
    fn what_did_not_take_place_may_be_tried_again() {
        let registry = Registry::new(100, 10);
        let (id, _) = begin(&registry, Some("k"), 1, "a").expect("a run");
        registry.ended(&id, 1, true);
        assert!(begin(&registry, Some("k"), 2, "a").is_ok_and(|(_, is_new)| is_new));
        assert_eq!(find(&registry, "a", &id), None);
    }

    #[test]
    fn outcomes_go_before_the_knowledge_that_there_was_a_run() {
        let registry = Registry::new(100, 2);
        let ids = ["1", "2", "3"].map(|key| begin(&registry, Some(key), 1, "a").expect("a run").0);
        registry.ended(&ids[0], 60, false);
        registry.ended(&ids[1], 60, false);
        assert_eq!((find(&registry, "a", &ids[0]), find(&registry, "a", &ids[1])), (Some(410), None));
        assert_eq!(begin(&registry, Some("1"), 1, "a"), Err(410));
        registry.ended(&ids[2], 1000, false);
        assert_eq!(ids.each_ref().map(|id| find(&registry, "a", id)), [Some(404), Some(410), Some(410)]);
        assert!(begin(&registry, Some("1"), 1, "a").is_ok_and(|(_, is_new)| is_new));
        ids.iter().for_each(|id| registry.forget(id));
        assert_eq!(find(&registry, "a", &ids[2]), Some(404));
        assert_eq!(registry.known().size, 0);
    }
}
