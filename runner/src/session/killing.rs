//! The killing of a tree of processes, which takes several attempts if they start others meanwhile.

use crate::processes::Attempt;
use std::time::{Duration, Instant};

/// How long killed processes may take to exit.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How many complete attempts they must have survived.
const MIN_ATTEMPTS: u32 = 10;

/// The pause after an attempt that has found all: killed processes need processor time to exit.
const PAUSE_TO_EXIT: Duration = Duration::from_millis(100);
/// The pause once all are dead: an attempt stops the processes that reap them.
const PAUSE_TO_REAP: Duration = Duration::from_secs(1);
/// How long dead processes may take to be reaped.
const REAP_TIMEOUT: Duration = Duration::from_secs(10);

/// The attempts to kill a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Killing {
    /// Since when.
    pub(super) since: Instant,
    /// When the number of processes last became smaller. Those of a fork bomb need longer to exit than any other.
    progress: Instant,
    fewest: usize,
    attempts: u32,
    last: Option<(Attempt, Instant)>,
}

impl Killing {
    /// The first attempt follows.
    pub(super) fn start(now: Instant) -> Self {
        Self { since: now, progress: now, fewest: usize::MAX, attempts: 0, last: None }
    }

    /// Whether another attempt is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some((_, last)) = self.last.filter(|(attempt, _)| attempt.is_complete) else { return true };
        let pause = if self.are_dead() { PAUSE_TO_REAP } else { PAUSE_TO_EXIT };
        now.saturating_duration_since(last) >= pause
    }

    /// Whether the last attempt was complete and has found none.
    fn are_dead(&self) -> bool {
        self.last.is_some_and(|(attempt, _)| attempt.is_complete && attempt.alive == 0)
    }

    /// Notes an attempt. One that was not complete has only found some of them.
    pub(super) fn record(&mut self, attempt: Attempt, now: Instant) {
        self.last = Some((attempt, now));
        self.attempts += u32::from(attempt.is_complete);
        if attempt.is_complete && attempt.alive < self.fewest {
            (self.fewest, self.progress) = (attempt.alive, now);
        }
    }

    /// Whether the processes cannot be killed.
    pub(super) fn has_failed(&self, now: Instant) -> bool {
        let unchanged = now.saturating_duration_since(self.progress);
        if self.are_dead() {
            unchanged > REAP_TIMEOUT
        } else {
            self.attempts >= MIN_ATTEMPTS && unchanged > TIMEOUT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_failed_after_its_time_without_progress() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut killing = Killing::start(start);
        killing.record(Attempt { alive: 1, is_complete: false }, start);
        for attempt in 0..20 {
            killing.record(Attempt { alive: 5, is_complete: true }, at(attempt));
        }
        assert!(!killing.has_failed(at(2000)) && killing.has_failed(at(2001)));
        killing.record(Attempt { alive: 4, is_complete: true }, at(1900));
        assert!(!killing.has_failed(at(3900)) && killing.has_failed(at(3901)));
    }

    #[test]
    fn killed_processes_have_time_to_exit() {
        let start = Instant::now();
        let mut killing = Killing::start(start);
        killing.record(Attempt { alive: 1, is_complete: true }, start);
        assert!(!killing.is_due(start + Duration::from_millis(99)));
        assert!(killing.is_due(start + Duration::from_millis(100)));
    }

    #[test]
    fn dead_processes_are_left_to_those_who_reap_them() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut killing = Killing::start(start);
        killing.record(Attempt { alive: 0, is_complete: false }, start);
        assert!(killing.is_due(start));
        killing.record(Attempt { alive: 0, is_complete: true }, start);
        assert!(!killing.is_due(start) && killing.is_due(at(1)));
        assert!(!killing.has_failed(at(10)) && killing.has_failed(at(11)));
    }

    #[test]
    fn one_slow_attempt_is_no_failure() {
        let start = Instant::now();
        let mut killing = Killing::start(start);
        killing.record(Attempt { alive: 5, is_complete: true }, start);
        assert!(!killing.has_failed(start + Duration::from_secs(60)));
    }
}
