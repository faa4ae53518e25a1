//! The sandboxes of one specification in a pool. Pure.

use crate::spec::SandboxSpec;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// The sandboxes of one specification.
#[derive(Debug)]
pub(super) struct Entry<S> {
    pub(super) spec: SandboxSpec,
    /// Idle sandboxes and when they became ready, the oldest first.
    pub(super) idle: VecDeque<(S, Instant)>,
    pub(super) starting: usize,
    /// Sandboxes that there should be.
    pub(super) target: usize,
    /// The lowest target.
    pub(super) minimum: usize,
    /// Callers that wait until a sandbox is ready.
    pub(super) waiters: usize,
    pub(super) last_used: Instant,
    /// When the target was changed last.
    pub(super) target_changed: Instant,
    pub(super) failures: u32,
    /// No sandbox is started before this time.
    pub(super) not_before: Instant,
}

impl<S> Entry<S> {
    pub(super) fn new(spec: SandboxSpec, now: Instant) -> Self {
        Self {
            spec,
            idle: VecDeque::new(),
            starting: 0,
            target: 0,
            minimum: 0,
            waiters: 0,
            last_used: now,
            target_changed: now,
            failures: 0,
            not_before: now,
        }
    }

    pub(super) fn total(&self) -> usize {
        self.idle.len() + self.starting
    }

    /// When it was used last. An entry with waiters is in use.
    pub(super) fn last_used(&self, now: Instant) -> Instant {
        if self.waiters > 0 { now } else { self.last_used }
    }

    /// Takes the oldest idle sandbox.
    pub(super) fn take(&mut self, now: Instant) -> Option<(S, Instant)> {
        self.last_used = now;
        self.idle.pop_front()
    }

    pub(super) fn set_target(&mut self, target: usize, now: Instant) {
        self.target = target;
        self.target_changed = now;
    }

    /// Lowers the target where the specification is not used enough.
    pub(super) fn expire_target(&mut self, idle_time: Duration, now: Instant) {
        if now - self.last_used(now) >= idle_time {
            self.target = self.minimum;
        } else if self.target > self.minimum.max(1) && now - self.target_changed >= idle_time {
            self.set_target(self.target - 1, now);
        }
    }

    /// Removes the sandboxes above the target, and those that are too old.
    pub(super) fn remove_excess(&mut self, max_age: Duration, now: Instant) -> Vec<S> {
        let mut removed = Vec::new();
        while self.idle.len() > self.target || self.is_oldest_expired(max_age, now) {
            removed.extend(self.idle.pop_front().map(|(sandbox, _)| sandbox));
        }
        removed
    }

    fn is_oldest_expired(&self, max_age: Duration, now: Instant) -> bool {
        self.idle.front().is_some_and(|(_, since)| now - *since >= max_age)
    }

    /// The times at which something is due.
    pub(super) fn due(
        &self,
        idle_time: Duration,
        max_age: Duration,
        now: Instant,
    ) -> impl Iterator<Item = Instant> {
        let expiry = self.idle.front().map(|(_, since)| *since + max_age);
        let lower_target =
            (self.target > self.minimum).then(|| self.last_used(now).min(self.target_changed) + idle_time);
        let start = (self.target > self.total()).then_some(self.not_before);
        [expiry, lower_target, start].into_iter().flatten()
    }
}
