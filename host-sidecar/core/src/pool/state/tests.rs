use super::*;
use crate::{policy::Policy, quantity::Seconds};
use cofferdam_types::{Request, RequestedLimits};

const IDLE: Duration = Duration::from_secs(300);

fn spec(processes: u32) -> SandboxSpec {
    let policy = Policy::default();
    let limits = RequestedLimits { processes: Some(processes), ..RequestedLimits::default() };
    policy.plan(Request { code: "#".into(), limits, ..Request::default() }).expect("a plan").sandbox
}

fn pool(maximum: u32, minimum: u32, now: Instant) -> PoolState<u32> {
    let config = PoolConfig {
        maximum: Some(maximum),
        minimum,
        starts_at_once: maximum,
        idle_seconds: Seconds(IDLE),
        max_age_seconds: Seconds(3 * IDLE),
    };
    PoolState::new(config, spec(1), now)
}

/// Starts all sandboxes that are missing, and gives their number.
fn fill(pool: &mut PoolState<u32>, now: Instant) -> usize {
    let started = pool.reconcile(now).start;
    for spec in &started {
        assert_eq!(pool.start_ended(spec, Some(0), now), None);
    }
    started.len()
}

#[test]
fn what_the_minimum_stands_for_replaces_it() {
    let now = Instant::now();
    let mut pool = pool(4, 2, now);
    pool.resolve_usual(spec(2), now);
    let started = pool.reconcile(now).start;
    assert_eq!(started, [spec(2), spec(2)]);
    // A sandbox that is there stays what it is.
    pool.resolve_usual(spec(3), now);
    assert_eq!(pool.starting(), 2);
}

#[test]
fn a_specification_has_no_sandbox_before_its_first_use() {
    let now = Instant::now();
    let mut pool = pool(4, 0, now);
    assert_eq!(fill(&mut pool, now), 0);
    assert!(pool.take(&spec(1), now).is_none());
    assert_eq!(fill(&mut pool, now), 1);
    assert!(pool.take(&spec(2), now).is_none(), "it has another specification");
    assert!(pool.take(&spec(1), now).is_some());
    assert!(pool.take(&spec(1), now).is_none(), "each is taken once");
}

#[test]
fn a_sandbox_of_a_tenant_is_for_it_alone_and_the_minimum_is_for_all() {
    let now = Instant::now();
    let mut pool = pool(4, 1, now);
    let of = |tenant: &str, processes| SandboxSpec { tenant: Some(tenant.into()), ..spec(processes) };
    assert_eq!(fill(&mut pool, now), 1, "the operator's minimum");
    assert!(pool.take(&of("a", 1), now).is_some(), "it is for all tenants");
    assert!(pool.take(&of("a", 1), now).is_none() && pool.take(&of("a", 2), now).is_none());
    assert_eq!(fill(&mut pool, now + START_PAUSE), 3, "the minimum, and one for each demand");
    assert!(pool.take(&of("b", 2), now).is_none(), "another tenant has asked for it");
    assert!(pool.take(&of("a", 2), now).is_some());
    assert!(pool.take(&of("b", 1), now).is_some() && pool.take(&of("b", 1), now).is_none());
    assert!(pool.take(&of("a", 1), now).is_some(), "its own is still there");
}

#[test]
fn the_minimum_is_prewarmed_before_the_first_request_and_stays() {
    let now = Instant::now();
    let mut pool = pool(4, 2, now);
    assert_eq!(fill(&mut pool, now), 2);
    assert!(pool.reconcile(now + 2 * IDLE).delete.is_empty());
    assert_eq!(pool.idle(), 2);
}

#[test]
fn misses_raise_the_target_and_idle_time_lowers_it() {
    let now = Instant::now();
    let mut pool = pool(3, 0, now);
    for _ in 0..5 {
        assert!(pool.take(&spec(1), now).is_none());
    }
    assert_eq!(fill(&mut pool, now), 3, "no more than the maximum");
    // Used, and never dry.
    let later = now + IDLE;
    assert!(pool.take(&spec(1), later).is_some());
    assert_eq!((pool.reconcile(later).start.len(), pool.idle()), (0, 2), "one fewer is wanted");
    assert_eq!(pool.reconcile(later + IDLE).delete.len(), 2);
}

#[test]
fn a_start_waits_for_the_program_that_took_a_sandbox() {
    let now = Instant::now();
    let mut pool = pool(2, 2, now);
    fill(&mut pool, now);
    assert!(pool.take(&spec(1), now).is_some());
    let actions = pool.reconcile(now);
    assert_eq!((actions.start.len(), actions.next), (0, now + START_PAUSE));
    let later = now + START_PAUSE / 2;
    assert!(pool.take(&spec(1), later).is_some());
    assert_eq!(pool.reconcile(later).next, now + START_PAUSE, "not for ever");
    assert_eq!(fill(&mut pool, now + START_PAUSE), 2);
}

#[test]
fn an_idle_sandbox_is_evicted_for_an_execution_without_capacity() {
    let now = Instant::now();
    let mut pool = pool(2, 2, now);
    fill(&mut pool, now);
    assert_eq!(pool.evict(now), Some(0));
    let actions = pool.reconcile(now);
    assert_eq!((actions.start.len(), actions.next), (0, now + EVICTION_PAUSE));
    assert_eq!((pool.evict(now), pool.evict(now)), (Some(0), None));
    let later = now + EVICTION_PAUSE;
    assert!(pool.take(&spec(1), later).is_none());
    assert_eq!(fill(&mut pool, later), 1, "demand brings it back");
}

#[test]
fn no_sandbox_is_idle_longer_than_its_maximum_age() {
    let now = Instant::now();
    let mut pool = pool(1, 1, now);
    fill(&mut pool, now);
    let actions = pool.reconcile(now);
    assert_eq!((actions.delete.len(), actions.next), (0, now + RECONCILE_INTERVAL));
    let actions = pool.reconcile(now + 3 * IDLE);
    assert_eq!((actions.delete.len(), actions.start.len()), (1, 1));
}

#[test]
fn a_used_specification_replaces_an_unused_one() {
    let now = Instant::now();
    let mut pool = pool(1, 0, now);
    pool.take(&spec(1), now);
    assert_eq!(fill(&mut pool, now), 1);
    let later = now + Duration::from_secs(1);
    pool.take(&spec(2), later);
    let actions = pool.reconcile(later);
    assert_eq!((actions.delete.len(), actions.start), (1, vec![spec(2)]));
    assert!(pool.reconcile(later).start.is_empty());
}

#[test]
fn a_waiter_gets_a_sandbox_whatever_else_is_used_meanwhile() {
    let now = Instant::now();
    let mut pool = pool(1, 0, now);
    assert!(pool.take(&spec(1), now).is_none());
    let actions = pool.reconcile(now);
    pool.add_waiter(&spec(2), now);
    assert!(pool.take(&spec(1), now + START_PAUSE).is_none());
    let later = now + 2 * START_PAUSE;
    assert_eq!(pool.start_ended(&actions.start[0], Some(1), later), None);
    let actions = pool.reconcile(later);
    assert_eq!((actions.delete, actions.start), (vec![1], vec![spec(2)]));
    assert_eq!(pool.start_ended(&spec(2), Some(2), later), None);
    pool.remove_waiter(&spec(2), later);
    assert_eq!(pool.is_warm(&spec(2)), Some(true));
}

#[test]
fn failed_starts_back_off() {
    let now = Instant::now();
    let mut pool = pool(1, 1, now);
    for (time, pause) in [(now, BACKOFF.0), (now + BACKOFF.0, 2 * BACKOFF.0)] {
        let actions = pool.reconcile(time);
        assert_eq!(actions.start.len(), 1);
        assert_eq!(pool.start_ended(&actions.start[0], None, time), None);
        let actions = pool.reconcile(time);
        assert_eq!((actions.start.len(), actions.next), (0, time + pause));
    }
}

#[test]
fn a_closed_pool_keeps_no_sandbox() {
    let now = Instant::now();
    let mut pool = pool(2, 2, now);
    let actions = pool.reconcile(now);
    assert_eq!(pool.start_ended(&actions.start[0], Some(7), now), None);
    assert_eq!(pool.close(), [7]);
    assert_eq!(pool.starting(), 1);
    assert_eq!(pool.start_ended(&actions.start[1], Some(8), now), Some(8));
    assert_eq!(fill(&mut pool, now), 0);
}

#[test]
fn the_number_of_remembered_specifications_is_limited() {
    let now = Instant::now();
    let mut pool = pool(1, 0, now);
    for processes in 1..500 {
        pool.take(&spec(processes), now);
    }
    assert_eq!(pool.entries.len(), MAX_SPECS);
}
