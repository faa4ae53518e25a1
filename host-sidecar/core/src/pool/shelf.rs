//! What waits, for which profile, and what should. Pure: it is told the time and starts nothing.
//!
//! A profile that somebody has used has one sandbox waiting. Each time that there is none for a run, one more is wanted; for
//! each idle lifetime without such a time, one fewer; and none once nobody has used the profile for an idle lifetime.

use crate::{policy::Profile, pool::PoolConfig};
use std::{collections::VecDeque, mem, time::Duration};
use tokio::time::Instant;

/// Profiles that are remembered. Callers choose their limits, and so how many there are.
const MAX_PROFILES: usize = 64;
/// After a start that failed, the next waits so long, then twice as long, up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// How long a start gives way to the program for which a sandbox has just been taken: a short one is over by then, and
/// shares no processor with it.
const PAUSE: Duration = Duration::from_millis(50);
/// How long nothing is started after a run has found no room: what was given up for it would take that again.
const CROWDED: Duration = Duration::from_secs(30);
/// A look that is due anyhow.
const LONG: Duration = Duration::from_secs(60);

/// The sandboxes that wait.
#[derive(Debug)]
pub(super) struct Shelf<S> {
    bounds: PoolConfig,
    maximum: usize,
    entries: Vec<Entry<S>>,
    /// Until then nothing is started.
    paused_until: Instant,
    is_closed: bool,
}

#[derive(Debug)]
struct Entry<S> {
    profile: Profile,
    /// The oldest first.
    waiting: VecDeque<(S, Instant)>,
    starting: usize,
    wanted: usize,
    /// As many are wanted at the least.
    minimum: usize,
    /// Callers that wait until one is there.
    awaited: usize,
    used: Instant,
    /// When one more or one fewer was wanted last.
    changed: Instant,
    failures: u32,
    not_before: Instant,
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Order<S> {
    /// A sandbox is to be started for each of these.
    pub(super) start: Vec<Profile>,
    pub(super) remove: Vec<S>,
    /// When to ask again, if nothing changes before.
    pub(super) next: Instant,
}

impl<S> Entry<S> {
    fn new(profile: Profile, now: Instant) -> Self {
        Self {
            profile,
            waiting: VecDeque::new(),
            starting: 0,
            wanted: 0,
            minimum: 0,
            awaited: 0,
            used: now,
            changed: now,
            failures: 0,
            not_before: now,
        }
    }

    fn held(&self) -> usize {
        self.waiting.len() + self.starting
    }

    /// When it was used last: what is awaited is in use.
    fn used(&self, now: Instant) -> Instant {
        if self.awaited > 0 { now } else { self.used }
    }
}

impl<S> Shelf<S> {
    pub(super) fn new(bounds: PoolConfig, usual: Profile, now: Instant) -> Self {
        let maximum = bounds.maximum() as usize;
        let minimum = maximum.min(bounds.minimum as usize);
        let entries = vec![Entry { minimum, wanted: minimum, ..Entry::new(usual, now) }];
        Self { bounds, maximum, entries, paused_until: now, is_closed: false }
    }

    pub(super) fn waiting(&self) -> usize {
        self.entries.iter().map(|entry| entry.waiting.len()).sum()
    }

    pub(super) fn starting(&self) -> usize {
        self.entries.iter().map(|entry| entry.starting).sum()
    }

    /// Takes one for a run of this profile, and tells how long it has waited. Where none of its tenant's own waits, it takes one
    /// of those that the operator keeps for everybody.
    pub(super) fn take(&mut self, profile: &Profile, now: Instant) -> Option<(S, Duration)> {
        let maximum = self.maximum;
        let entry = self.entry(profile, now)?;
        entry.used = now;
        let mut taken = entry.waiting.pop_front();
        if taken.is_none() && profile.has_tenant() {
            let shared = profile.shared();
            let shared = self.entries.iter_mut().find(|entry| entry.profile == shared);
            taken = shared.and_then(|entry| {
                entry.used = now;
                entry.waiting.pop_front()
            });
        }
        if taken.is_none()
            && let Some(entry) = self.entry(profile, now)
        {
            entry.wanted = (entry.wanted + 1).min(maximum);
            entry.changed = now;
        }
        // Not put off again before it is over, so that a stream of programs cannot keep the shelf empty.
        if taken.is_some() && self.paused_until <= now {
            self.paused_until = now + PAUSE;
        }
        taken.map(|(sandbox, since)| (sandbox, now - since))
    }

    /// Gives up one that waits, for a run that finds no room.
    pub(super) fn make_room(&mut self, now: Instant) -> Option<S> {
        self.paused_until = now + CROWDED;
        let entry = self.entries.iter_mut().filter(|entry| !entry.waiting.is_empty()).min_by_key(|entry| entry.used)?;
        entry.wanted = entry.wanted.saturating_sub(1);
        entry.waiting.pop_front().map(|(sandbox, _)| sandbox)
    }

    /// One of this profile is wanted at the least, by somebody who waits until it is there.
    pub(super) fn wait_for(&mut self, profile: &Profile, now: Instant) {
        let maximum = self.maximum;
        if let Some(entry) = self.entry(profile, now) {
            entry.awaited += 1;
            entry.used = now;
            entry.wanted = entry.wanted.max(1).min(maximum);
        }
    }

    /// Somebody who has waited for one does so no longer.
    pub(super) fn waited_for(&mut self, profile: &Profile, now: Instant) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.profile == *profile) {
            entry.awaited = entry.awaited.saturating_sub(1);
            entry.used = now;
        }
    }

    /// Whether one of this profile waits; none if there will be none soon.
    pub(super) fn has(&self, profile: &Profile) -> Option<bool> {
        let entry = self.entries.iter().find(|entry| entry.profile == *profile && entry.wanted > 0)?;
        let will_not = self.is_closed || (entry.failures > 0 && entry.held() == 0);
        (!will_not).then_some(!entry.waiting.is_empty())
    }

    /// The entry of a profile; none while too many others are in use.
    fn entry(&mut self, profile: &Profile, now: Instant) -> Option<&mut Entry<S>> {
        let found = self.entries.iter().position(|entry| entry.profile == *profile);
        let index = match found {
            Some(index) => index,
            None if self.entries.len() < MAX_PROFILES => {
                self.entries.push(Entry::new(profile.clone(), now));
                self.entries.len() - 1
            }
            None => {
                let forgettable = |entry: &Entry<S>| entry.held() + entry.minimum + entry.awaited == 0;
                let candidates = self.entries.iter().enumerate().filter(|(_, entry)| forgettable(entry));
                let index = candidates.min_by_key(|(_, entry)| entry.used)?.0;
                self.entries[index] = Entry::new(profile.clone(), now);
                index
            }
        };
        self.entries.get_mut(index)
    }

    /// A start has ended; gives back what is not wanted any more.
    pub(super) fn started(&mut self, profile: &Profile, sandbox: Option<S>, now: Instant) -> Option<S> {
        let is_closed = self.is_closed;
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.profile == *profile) else { return sandbox };
        entry.starting -= 1;
        let Some(sandbox) = sandbox else {
            let pause = BACKOFF.0.saturating_mul(1 << entry.failures.min(16)).min(BACKOFF.1);
            entry.failures += 1;
            entry.not_before = now + pause;
            return None;
        };
        entry.failures = 0;
        if is_closed || entry.waiting.len() >= entry.wanted {
            return Some(sandbox);
        }
        entry.waiting.push_back((sandbox, now));
        None
    }

    /// What is to be done now.
    pub(super) fn order(&mut self, now: Instant) -> Order<S> {
        let (idle, max_age) = (self.bounds.idle_seconds.0, self.bounds.max_age_seconds.0);
        let mut order = Order { start: Vec::new(), remove: Vec::new(), next: now + LONG };
        if self.is_closed {
            return order;
        }
        for entry in &mut self.entries {
            if now - entry.used(now) >= idle {
                entry.wanted = entry.minimum;
            } else if entry.wanted > entry.minimum.max(1) && now - entry.changed >= idle {
                entry.wanted -= 1;
                entry.changed = now;
            }
            let is_over = |entry: &Entry<S>| entry.waiting.front().is_some_and(|(_, since)| now - *since >= max_age);
            while entry.waiting.len() > entry.wanted || is_over(entry) {
                order.remove.extend(entry.waiting.pop_front().map(|(sandbox, _)| sandbox));
            }
            let oldest = entry.waiting.front().map(|(_, since)| *since + max_age);
            let idle_from = (entry.wanted > entry.minimum).then(|| entry.used(now).min(entry.changed) + idle);
            let due = [oldest, idle_from, (entry.wanted > entry.held()).then_some(entry.not_before)];
            order.next = due.into_iter().flatten().filter(|due| *due > now).fold(order.next, Instant::min);
        }
        if self.paused_until > now {
            order.next = order.next.min(self.paused_until);
            return order;
        }
        while let Some(index) = self.poorest(now) {
            if self.held() >= self.maximum {
                let Some(sandbox) = self.give_up(self.entries[index].used(now), now) else { break };
                order.remove.push(sandbox);
            }
            self.entries[index].starting += 1;
            order.start.push(self.entries[index].profile.clone());
        }
        order
    }

    /// The profile that was used last of those that want more, if one may be started.
    fn poorest(&self, now: Instant) -> Option<usize> {
        let may_start = self.starting() < self.bounds.starts_at_once as usize;
        let wants = |entry: &Entry<S>| entry.held() < entry.wanted && entry.not_before <= now;
        let candidates = self.entries.iter().enumerate().filter(|(_, entry)| may_start && wants(entry));
        candidates.max_by_key(|(_, entry)| entry.used(now)).map(|(index, _)| index)
    }

    fn held(&self) -> usize {
        self.entries.iter().map(Entry::held).sum()
    }

    /// One of a profile that nobody has used since then.
    fn give_up(&mut self, since: Instant, now: Instant) -> Option<S> {
        let spare = |entry: &&mut Entry<S>| entry.used(now) < since && entry.waiting.len() > entry.minimum;
        let entry = self.entries.iter_mut().filter(spare).min_by_key(|entry| entry.used)?;
        entry.wanted = entry.waiting.len() - 1;
        entry.waiting.pop_front().map(|(sandbox, _)| sandbox)
    }

    /// From now on nothing is wanted; gives all that waits.
    pub(super) fn close(&mut self) -> Vec<S> {
        self.is_closed = true;
        self.entries.iter_mut().flat_map(|entry| mem::take(&mut entry.waiting)).map(|(sandbox, _)| sandbox).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Policy, quantity::Seconds};
    use cofferdam_types::{Request, RequestedLimits};

    const IDLE: Duration = Duration::from_secs(300);

    fn profile(processes: u32) -> Profile {
        let policy = Policy::default();
        let limits = RequestedLimits { processes: Some(processes), ..RequestedLimits::default() };
        Profile::of(&policy.plan(Request { code: "#".into(), limits, ..Request::default() }).expect("a plan"))
    }

    fn shelf(maximum: u32, minimum: u32, now: Instant) -> Shelf<u32> {
        let bounds = PoolConfig {
            maximum: Some(maximum),
            minimum,
            starts_at_once: maximum,
            idle_seconds: Seconds(IDLE),
            max_age_seconds: Seconds(3 * IDLE),
        };
        Shelf::new(bounds, profile(1), now)
    }

    /// Starts all that is to be started, and gives how many that were.
    fn fill(shelf: &mut Shelf<u32>, now: Instant) -> usize {
        let started = shelf.order(now).start;
        for profile in &started {
            assert_eq!(shelf.started(profile, Some(0), now), None);
        }
        started.len()
    }

    #[test]
    fn nobody_gets_what_nobody_has_used() {
        let now = Instant::now();
        let mut shelf = shelf(4, 0, now);
        assert_eq!(fill(&mut shelf, now), 0);
        assert!(shelf.take(&profile(1), now).is_none());
        assert_eq!(fill(&mut shelf, now), 1);
        assert!(shelf.take(&profile(2), now).is_none(), "it is of another profile");
        assert!(shelf.take(&profile(1), now).is_some());
        assert!(shelf.take(&profile(1), now).is_none(), "each is taken once");
    }

    #[test]
    fn what_waits_for_one_tenant_is_no_others_and_the_operators_is_everybodys() {
        let now = Instant::now();
        let mut shelf = shelf(4, 1, now);
        let of = |tenant: &str, processes| profile(processes).with_tenant(tenant);
        assert_eq!(fill(&mut shelf, now), 1, "the operator's minimum");
        assert!(shelf.take(&of("a", 1), now).is_some(), "it is everybody's");
        assert!(shelf.take(&of("a", 1), now).is_none() && shelf.take(&of("a", 2), now).is_none());
        assert_eq!(fill(&mut shelf, now + PAUSE), 3, "the minimum, and one for each demand");
        assert!(shelf.take(&of("b", 2), now).is_none(), "another tenant has asked for it");
        assert!(shelf.take(&of("a", 2), now).is_some());
        assert!(shelf.take(&of("b", 1), now).is_some() && shelf.take(&of("b", 1), now).is_none());
        assert!(shelf.take(&of("a", 1), now).is_some(), "its own is still there");
    }

    #[test]
    fn a_minimum_is_there_from_the_start_and_stays() {
        let now = Instant::now();
        let mut shelf = shelf(4, 2, now);
        assert_eq!(fill(&mut shelf, now), 2);
        assert!(shelf.order(now + 2 * IDLE).remove.is_empty());
        assert_eq!(shelf.waiting(), 2);
    }

    #[test]
    fn demand_raises_what_waits_and_time_lowers_it() {
        let now = Instant::now();
        let mut shelf = shelf(3, 0, now);
        for _ in 0..5 {
            assert!(shelf.take(&profile(1), now).is_none());
        }
        assert_eq!(fill(&mut shelf, now), 3, "no more than the maximum");
        // Used, and never dry.
        let later = now + IDLE;
        assert!(shelf.take(&profile(1), later).is_some());
        assert_eq!((shelf.order(later).start.len(), shelf.waiting()), (0, 2), "one fewer is wanted");
        assert_eq!(shelf.order(later + IDLE).remove.len(), 2);
    }

    #[test]
    fn a_start_gives_way_to_the_program_that_took_what_waited() {
        let now = Instant::now();
        let mut shelf = shelf(2, 2, now);
        fill(&mut shelf, now);
        assert!(shelf.take(&profile(1), now).is_some());
        let order = shelf.order(now);
        assert_eq!((order.start.len(), order.next), (0, now + PAUSE));
        let later = now + PAUSE / 2;
        assert!(shelf.take(&profile(1), later).is_some());
        assert_eq!(shelf.order(later).next, now + PAUSE, "not for ever");
        assert_eq!(fill(&mut shelf, now + PAUSE), 2);
    }

    #[test]
    fn what_waits_makes_room_for_a_run_that_finds_none() {
        let now = Instant::now();
        let mut shelf = shelf(2, 2, now);
        fill(&mut shelf, now);
        assert_eq!(shelf.make_room(now), Some(0));
        let order = shelf.order(now);
        assert_eq!((order.start.len(), order.next), (0, now + CROWDED));
        assert_eq!((shelf.make_room(now), shelf.make_room(now)), (Some(0), None));
        let later = now + CROWDED;
        assert!(shelf.take(&profile(1), later).is_none());
        assert_eq!(fill(&mut shelf, later), 1, "demand brings it back");
    }

    #[test]
    fn none_waits_for_longer_than_it_may() {
        let now = Instant::now();
        let mut shelf = shelf(1, 1, now);
        fill(&mut shelf, now);
        let order = shelf.order(now);
        assert_eq!((order.remove.len(), order.next), (0, now + LONG));
        let order = shelf.order(now + 3 * IDLE);
        assert_eq!((order.remove.len(), order.start.len()), (1, 1));
    }

    #[test]
    fn the_profile_in_use_gets_the_place_of_one_that_is_not() {
        let now = Instant::now();
        let mut shelf = shelf(1, 0, now);
        shelf.take(&profile(1), now);
        assert_eq!(fill(&mut shelf, now), 1);
        let later = now + Duration::from_secs(1);
        shelf.take(&profile(2), later);
        let order = shelf.order(later);
        assert_eq!((order.remove.len(), order.start), (1, vec![profile(2)]));
        assert!(shelf.order(later).start.is_empty());
    }

    #[test]
    fn what_somebody_waits_for_gets_a_place_whatever_else_is_used_meanwhile() {
        let now = Instant::now();
        let mut shelf = shelf(1, 0, now);
        assert!(shelf.take(&profile(1), now).is_none());
        let order = shelf.order(now);
        shelf.wait_for(&profile(2), now);
        assert!(shelf.take(&profile(1), now + PAUSE).is_none());
        let later = now + 2 * PAUSE;
        assert_eq!(shelf.started(&order.start[0], Some(1), later), None);
        let order = shelf.order(later);
        assert_eq!((order.remove, order.start), (vec![1], vec![profile(2)]));
        assert_eq!(shelf.started(&profile(2), Some(2), later), None);
        shelf.waited_for(&profile(2), later);
        assert_eq!(shelf.has(&profile(2)), Some(true));
    }

    #[test]
    fn a_start_that_fails_is_tried_later_and_later() {
        let now = Instant::now();
        let mut shelf = shelf(1, 1, now);
        for (time, pause) in [(now, BACKOFF.0), (now + BACKOFF.0, 2 * BACKOFF.0)] {
            let order = shelf.order(time);
            assert_eq!(order.start.len(), 1);
            assert_eq!(shelf.started(&order.start[0], None, time), None);
            let order = shelf.order(time);
            assert_eq!((order.start.len(), order.next), (0, time + pause));
        }
    }

    #[test]
    fn what_is_closed_keeps_nothing() {
        let now = Instant::now();
        let mut shelf = shelf(2, 2, now);
        let order = shelf.order(now);
        assert_eq!(shelf.started(&order.start[0], Some(7), now), None);
        assert_eq!(shelf.close(), [7]);
        assert_eq!(shelf.starting(), 1);
        assert_eq!(shelf.started(&order.start[1], Some(8), now), Some(8));
        assert_eq!(fill(&mut shelf, now), 0);
    }

    #[test]
    fn callers_cannot_make_it_remember_without_end() {
        let now = Instant::now();
        let mut shelf = shelf(1, 0, now);
        for processes in 1..500 {
            shelf.take(&profile(processes), now);
        }
        assert_eq!(shelf.entries.len(), MAX_PROFILES);
    }
}
