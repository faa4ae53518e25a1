//! The state of a pool: which sandboxes are idle, and how many there should be of each specification. Pure:
//! the caller supplies the time and starts the sandboxes.
//!
//! A specification that was used has a target of one idle sandbox. Each miss raises the target by one. Each
//! idle time without a miss lowers it by one. It is zero after an idle time without any use.

use super::entry::Entry;
use crate::{pool::PoolConfig, spec::SandboxSpec};
use std::{mem, time::Duration};
use tokio::time::Instant;

/// Specifications that are remembered. Callers choose limits, and so the number of specifications.
const MAX_SPECS: usize = 64;
/// The first and the longest pause after a failed start; each is twice the one before.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// Pause of starts after a sandbox was taken: a short program is over by then, and shares no processor with a
/// start.
const START_PAUSE: Duration = Duration::from_millis(50);
/// Pause of starts after an eviction for lack of capacity: a new sandbox would take that capacity again.
const EVICTION_PAUSE: Duration = Duration::from_secs(30);
/// Longest time between two reconciliations.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(60);

/// The sandboxes of a pool.
#[derive(Debug)]
pub(super) struct PoolState<S> {
    config: PoolConfig,
    maximum: usize,
    entries: Vec<Entry<S>>,
    /// No sandbox is started before this time.
    paused_until: Instant,
    is_closed: bool,
}

/// What the reconciler must do.
#[derive(Debug)]
pub(super) struct Actions<S> {
    /// Start a sandbox of each of these.
    pub(super) start: Vec<SandboxSpec>,
    /// Delete these.
    pub(super) delete: Vec<S>,
    /// Reconcile again at this time, if nothing changes before.
    pub(super) next: Instant,
}

impl<S> PoolState<S> {
    /// An empty pool. The specification `usual` has the configured minimum as its lowest target.
    pub(super) fn new(config: PoolConfig, usual: SandboxSpec, now: Instant) -> Self {
        let maximum = config.maximum() as usize;
        let minimum = maximum.min(config.minimum as usize);
        let entries = vec![Entry { minimum, target: minimum, ..Entry::new(usual, now) }];
        Self { config, maximum, entries, paused_until: now, is_closed: false }
    }

    /// Replaces the specification that has the minimum by what it stands for.
    pub(super) fn resolve_usual(&mut self, resolved: SandboxSpec, now: Instant) {
        let Some(index) = self.entries.iter().position(|entry| entry.minimum > 0) else { return };
        let minimum = self.entries.get(index).map_or(0, |entry| entry.minimum);
        if self.entries.get(index).is_none_or(|entry| entry.spec == resolved || entry.total() > 0) {
            return;
        }
        self.entries.remove(index);
        match self.find(&resolved) {
            Some(entry) => (entry.minimum, entry.target) = (minimum, entry.target.max(minimum)),
            None => self.entries.push(Entry { minimum, target: minimum, ..Entry::new(resolved, now) }),
        }
    }

    pub(super) fn idle(&self) -> usize {
        self.entries.iter().map(|entry| entry.idle.len()).sum()
    }

    pub(super) fn starting(&self) -> usize {
        self.entries.iter().map(|entry| entry.starting).sum()
    }

    fn total(&self) -> usize {
        self.entries.iter().map(Entry::total).sum()
    }

    /// Takes an idle sandbox of this specification, and gives its age. A tenant without one takes one of
    /// those for all tenants.
    pub(super) fn take(&mut self, spec: &SandboxSpec, now: Instant) -> Option<(S, Duration)> {
        let maximum = self.maximum;
        let entry = self.entry(spec, now)?;
        let mut taken = entry.take(now);
        if taken.is_none() && spec.tenant.is_some() {
            taken = self.find(&spec.shared()).and_then(|entry| entry.take(now));
        }
        if taken.is_none()
            && let Some(entry) = self.entry(spec, now)
        {
            entry.set_target((entry.target + 1).min(maximum), now);
        }
        // A pause is not extended, so that a stream of programs cannot keep the pool empty.
        if taken.is_some() && self.paused_until <= now {
            self.paused_until = now + START_PAUSE;
        }
        taken.map(|(sandbox, since)| (sandbox, now - since))
    }

    /// Removes an idle sandbox of the specification that was used least recently, for an execution that finds
    /// no capacity.
    pub(super) fn evict(&mut self, now: Instant) -> Option<S> {
        self.paused_until = now + EVICTION_PAUSE;
        let with_idle = self.entries.iter_mut().filter(|entry| !entry.idle.is_empty());
        let entry = with_idle.min_by_key(|entry| entry.last_used)?;
        entry.target = entry.target.saturating_sub(1);
        entry.idle.pop_front().map(|(sandbox, _)| sandbox)
    }

    /// Removes the idle sandboxes of images that requests have chosen. There are none again before the next such request.
    pub(super) fn evict_chosen(&mut self) -> Vec<S> {
        let chosen = self.entries.iter_mut().filter(|entry| entry.spec.allowed_images.is_some());
        let idle = chosen.flat_map(|entry| {
            entry.target = 0;
            mem::take(&mut entry.idle)
        });
        idle.map(|(sandbox, _)| sandbox).collect()
    }

    /// Adds a caller that waits for a sandbox of this specification.
    pub(super) fn add_waiter(&mut self, spec: &SandboxSpec, now: Instant) {
        let maximum = self.maximum;
        if let Some(entry) = self.entry(spec, now) {
            entry.waiters += 1;
            entry.last_used = now;
            entry.target = entry.target.max(1).min(maximum);
        }
    }

    /// Removes such a caller.
    pub(super) fn remove_waiter(&mut self, spec: &SandboxSpec, now: Instant) {
        if let Some(entry) = self.find(spec) {
            entry.waiters = entry.waiters.saturating_sub(1);
            entry.last_used = now;
        }
    }

    /// Whether a sandbox of this specification is idle; none if there will be none soon.
    pub(super) fn is_warm(&self, spec: &SandboxSpec) -> Option<bool> {
        let entry = self.entries.iter().find(|entry| entry.spec == *spec && entry.target > 0)?;
        let has_failed = entry.failures > 0 && entry.total() == 0;
        (!self.is_closed && !has_failed).then_some(!entry.idle.is_empty())
    }

    fn find(&mut self, spec: &SandboxSpec) -> Option<&mut Entry<S>> {
        self.entries.iter_mut().find(|entry| entry.spec == *spec)
    }

    /// The entry of a specification, which is created if necessary; none while too many others are in use.
    fn entry(&mut self, spec: &SandboxSpec, now: Instant) -> Option<&mut Entry<S>> {
        let index = match self.entries.iter().position(|entry| entry.spec == *spec) {
            Some(index) => index,
            None if self.entries.len() < MAX_SPECS => {
                self.entries.push(Entry::new(spec.clone(), now));
                self.entries.len() - 1
            }
            None => {
                let index = self.least_recently_used_empty()?;
                self.entries[index] = Entry::new(spec.clone(), now);
                index
            }
        };
        self.entries.get_mut(index)
    }

    fn least_recently_used_empty(&self) -> Option<usize> {
        let is_empty = |entry: &Entry<S>| entry.total() + entry.minimum + entry.waiters == 0;
        let empty = self.entries.iter().enumerate().filter(|(_, entry)| is_empty(entry));
        empty.min_by_key(|(_, entry)| entry.last_used).map(|(index, _)| index)
    }

    /// Records the end of a start; gives the sandbox back if it is not wanted any more.
    pub(super) fn start_ended(&mut self, spec: &SandboxSpec, sandbox: Option<S>, now: Instant) -> Option<S> {
        let is_closed = self.is_closed;
        let Some(entry) = self.find(spec) else { return sandbox };
        entry.starting -= 1;
        let Some(sandbox) = sandbox else {
            let pause = BACKOFF.0.saturating_mul(1 << entry.failures.min(16)).min(BACKOFF.1);
            entry.failures += 1;
            entry.not_before = now + pause;
            return None;
        };
        entry.failures = 0;
        if is_closed || entry.idle.len() >= entry.target {
            return Some(sandbox);
        }
        entry.idle.push_back((sandbox, now));
        None
    }

    /// Compares the sandboxes with the targets.
    pub(super) fn reconcile(&mut self, now: Instant) -> Actions<S> {
        let (idle_time, max_age) = (self.config.idle_seconds.0, self.config.max_age_seconds.0);
        let mut actions = Actions { start: Vec::new(), delete: Vec::new(), next: now + RECONCILE_INTERVAL };
        if self.is_closed {
            return actions;
        }
        for entry in &mut self.entries {
            entry.expire_target(idle_time, now);
            actions.delete.extend(entry.remove_excess(max_age, now));
            let due = entry.due(idle_time, max_age, now).filter(|due| *due > now);
            actions.next = due.fold(actions.next, Instant::min);
        }
        if self.paused_until > now {
            actions.next = actions.next.min(self.paused_until);
        } else {
            self.start_missing(&mut actions, now);
        }
        actions
    }

    /// Starts sandboxes of the specifications below their targets, and deletes unused ones where the pool is
    /// full.
    fn start_missing(&mut self, actions: &mut Actions<S>, now: Instant) {
        while let Some(index) = self.next_to_start(now) {
            if self.total() >= self.maximum {
                let last_used = self.entries[index].last_used(now);
                let Some(sandbox) = self.evict_unused_since(last_used, now) else { break };
                actions.delete.push(sandbox);
            }
            self.entries[index].starting += 1;
            actions.start.push(self.entries[index].spec.clone());
        }
    }

    /// The most recently used specification below its target, if a sandbox may be started.
    fn next_to_start(&self, now: Instant) -> Option<usize> {
        if self.starting() >= self.config.starts_at_once as usize {
            return None;
        }
        let is_below = |entry: &Entry<S>| entry.total() < entry.target && entry.not_before <= now;
        let below = self.entries.iter().enumerate().filter(|(_, entry)| is_below(entry));
        below.max_by_key(|(_, entry)| entry.last_used(now)).map(|(index, _)| index)
    }

    /// Removes an idle sandbox of a specification that was not used since then.
    fn evict_unused_since(&mut self, since: Instant, now: Instant) -> Option<S> {
        let is_spare =
            |entry: &&mut Entry<S>| entry.last_used(now) < since && entry.idle.len() > entry.minimum;
        let entry = self.entries.iter_mut().filter(is_spare).min_by_key(|entry| entry.last_used)?;
        entry.target = entry.idle.len() - 1;
        entry.idle.pop_front().map(|(sandbox, _)| sandbox)
    }

    /// Closes the pool; gives all idle sandboxes.
    pub(super) fn close(&mut self) -> Vec<S> {
        self.is_closed = true;
        self.entries
            .iter_mut()
            .flat_map(|entry| mem::take(&mut entry.idle))
            .map(|(sandbox, _)| sandbox)
            .collect()
    }
}

#[cfg(test)]
mod tests;
