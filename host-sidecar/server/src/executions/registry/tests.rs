//! Tests of what is kept for each tenant, and what is evicted first.

use super::super::{records::OVERHEAD, result::ExecutionResult};
use super::*;
use crate::admission::memory::MemoryBudget;
use axum::response::IntoResponse;
use http::header;

const LONG: Duration = Duration::from_secs(300);
const STARTED: Completion = Completion { bytes: 0, started: true, frees_key: false };

fn registry(bytes: usize, executions: usize) -> Registry {
    Registry::new(Retention { bytes, executions, time: LONG }, 100)
}

fn submit(registry: &Registry, key: Option<&str>, body: u8, tenant: &str) -> Result<(String, bool), u16> {
    let entry = registry
        .get_or_insert(key.map(str::to_owned), [body; 32], tenant, false, || Execution::new(Instant::now()));
    match entry {
        Ok(Entry::Created(execution, _)) => Ok((execution.id.clone(), true)),
        Ok(Entry::Existing(execution)) => Ok((execution.id.clone(), false)),
        Err(error) => Err(error.into_response().status().as_u16()),
    }
}

fn new(registry: &Registry, key: Option<&str>, tenant: &str) -> String {
    let (id, is_new) = submit(registry, key, 1, tenant).expect("an execution");
    assert!(is_new, "{key:?}");
    id
}

fn find(registry: &Registry, tenant: &str, id: &str) -> Option<u16> {
    registry.find(tenant, id).err().map(|error| error.into_response().status().as_u16())
}

/// An execution that has ended, with an outcome of this size.
fn ended(registry: &Registry, key: Option<&str>, tenant: &str, bytes: usize) -> String {
    let id = new(registry, key, tenant);
    registry.end(&id, Completion { bytes, ..STARTED });
    id
}

#[test]
fn a_key_is_one_execution_of_one_tenant_and_one_body() {
    let registry = registry(100, 10);
    let (id, _) = submit(&registry, Some("k"), 1, "a").expect("an execution");
    assert_eq!(submit(&registry, Some("k"), 1, "a"), Ok((id.clone(), false)));
    assert_eq!(submit(&registry, Some("k"), 2, "a"), Err(422));
    for (key, tenant) in [(Some("k"), "b"), (Some("l"), "a"), (None, "a"), (None, "a")] {
        let (other, is_new) = submit(&registry, key, 1, tenant).expect("an execution");
        assert!(is_new && other != id);
    }
}

#[test]
fn a_tenant_does_not_find_another_tenants_execution() {
    let registry = registry(100, 10);
    let (id, _) = submit(&registry, None, 1, "a").expect("an execution");
    assert_eq!((find(&registry, "a", &id), find(&registry, "b", &id)), (None, Some(404)));
    assert_eq!(find(&registry, "a", "run-0"), Some(404));
}

#[test]
fn an_execution_that_did_not_run_may_be_retried() {
    let registry = registry(100, 10);
    let (id, _) = submit(&registry, Some("k"), 1, "a").expect("an execution");
    registry.end(&id, Completion { bytes: 1, started: false, frees_key: true });
    assert!(submit(&registry, Some("k"), 2, "a").is_ok_and(|(_, is_new)| is_new));
    assert_eq!(find(&registry, "a", &id), None);
}

#[test]
fn outcomes_are_evicted_before_records() {
    let registry = registry(2 * OVERHEAD + 100, 3);
    let ids = ["1", "2"].map(|key| ended(&registry, Some(key), "a", 60));
    assert_eq!((find(&registry, "a", &ids[0]), find(&registry, "a", &ids[1])), (Some(410), None));
    assert_eq!(submit(&registry, Some("1"), 1, "a"), Err(410));
    let large = ended(&registry, Some("3"), "a", 10 * OVERHEAD);
    assert_eq!([&ids[0], &ids[1], &large].map(|id| find(&registry, "a", id)), [Some(410); 3]);
}

#[test]
fn an_evicted_outcome_is_freed() {
    let registry = registry(2 * OVERHEAD + 100, 10);
    let execution = |key: &str| {
        let entry =
            registry.get_or_insert(Some(key.into()), [1; 32], "a", false, || Execution::new(Instant::now()));
        let Ok(Entry::Created(execution, publisher)) = entry else { panic!("a new execution") };
        publisher.end(ExecutionResult::Outcome(registry.track("a", vec![0; 60].into())));
        registry.end(&execution.id, Completion { bytes: 60, ..STARTED });
        Arc::downgrade(&execution)
    };
    let (first, second) = (execution("1"), execution("2"));
    assert!(first.upgrade().is_none() && second.upgrade().is_some());
    assert_eq!(registry.records().unread("a"), 0);
}

#[test]
fn the_oldest_outcome_of_the_tenant_with_the_most_bytes_is_evicted() {
    let registry = registry(4 * OVERHEAD, 10);
    let few = ended(&registry, None, "a", OVERHEAD);
    let many: Vec<_> = (0..5).map(|_| ended(&registry, None, "b", 0)).collect();
    assert_eq!(find(&registry, "a", &few), None);
    let found: Vec<_> = many.iter().map(|id| find(&registry, "b", id)).collect();
    assert_eq!(found, [Some(410), Some(410), Some(410), None, None]);
    // A tenant without outcomes gets room from the tenant with all of them.
    let large = ended(&registry, None, "b", 2 * OVERHEAD);
    assert_eq!((find(&registry, "a", &few), find(&registry, "b", &large)), (None, Some(410)));
}

#[test]
fn no_key_is_evicted_before_it_expires() {
    let registry = registry(1 << 20, 2);
    let ids = ["1", "2"].map(|key| ended(&registry, Some(key), "a", 0));
    let error = registry
        .get_or_insert(Some("3".into()), [1; 32], "a", false, || Execution::new(Instant::now()))
        .err();
    let refused = error.expect("a error").into_response();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()[header::RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((LONG.as_secs() - 60..=LONG.as_secs()).contains(&wait), "{wait}");
    assert_eq!(submit(&registry, Some("1"), 1, "a"), Ok((ids[0].clone(), false)));
    // Executions without a key, and other tenants, are not affected.
    new(&registry, None, "a");
    new(&registry, Some("3"), "b");
}

#[test]
fn a_detached_execution_is_refused_rather_than_evicted() {
    let registry = registry(1 << 20, 2);
    let detached = |tenant: &str| {
        let entry = registry.get_or_insert(None, [1; 32], tenant, true, || Execution::new(Instant::now()));
        entry.map(|entry| match entry {
            Entry::Created(execution, _) | Entry::Existing(execution) => execution.id.clone(),
        })
    };
    let first = detached("a").expect("room");
    ended(&registry, Some("1"), "a", 0);
    registry.end(&first, STARTED);
    (0..5).for_each(|_| drop(ended(&registry, None, "a", 0)));
    assert_eq!(find(&registry, "a", &first), None);
    let refused = detached("a").expect_err("the limit of kept executions").into_response();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert!(detached("b").is_ok());
}

#[test]
fn an_execution_whose_task_is_lost_expires_with_its_key() {
    let registry =
        Arc::new(Registry::new(Retention { bytes: 1 << 20, executions: 10, time: Duration::ZERO }, 100));
    let id = new(&registry, Some("k"), "a");
    let completion = CompletionGuard::new(&registry, &id);
    registry.expire();
    assert_eq!(find(&registry, "a", &id), None);
    drop(completion);
    registry.expire();
    assert_eq!(find(&registry, "a", &id), Some(404));
    new(&registry, Some("k"), "a");
}

#[test]
fn an_evicted_outcome_stays_charged_until_it_is_read() {
    let registry = registry(OVERHEAD + 100, 10);
    let budget = MemoryBudget::split(1, 1 << 10, 1 << 10).next().expect("a budget");
    let ids = [(); 2].map(|()| new(&registry, None, "a"));
    let keeps =
        [60, 200].map(|bytes| registry.end(&ids[usize::from(bytes > 100)], Completion { bytes, ..STARTED }));
    assert_eq!(keeps, [true, false]);
    let unread = registry.track_charged("a", vec![0; 200].into(), budget.try_charge(1 << 10).ok());
    let part = unread.slice(5..);
    drop(unread);
    assert!(budget.try_charge(1).is_err());
    drop(part);
    assert!(budget.try_charge(1).is_ok());
}

#[test]
fn executions_without_a_key_are_evicted() {
    let registry = registry(1 << 20, 2);
    let keyed = ended(&registry, Some("1"), "a", 0);
    let unkeyed = [(); 3].map(|()| ended(&registry, None, "a", 0));
    assert_eq!(unkeyed.each_ref().map(|id| find(&registry, "a", id)), [Some(404), Some(404), None]);
    assert_eq!(find(&registry, "a", &keyed), None);
}

#[test]
fn executions_that_never_started_evict_no_others() {
    let registry = registry(4 * OVERHEAD, 3);
    let mine = [ended(&registry, Some("k"), "a", OVERHEAD), ended(&registry, None, "a", OVERHEAD)];
    for tenant in ["a", "b"] {
        for number in 0..50 {
            let key = format!("{tenant}{number}");
            let id = new(&registry, (number % 2 == 0).then_some(&*key), tenant);
            registry.end(&id, Completion { bytes: 1 << 20, started: false, frees_key: false });
        }
    }
    assert_eq!(mine.each_ref().map(|id| find(&registry, "a", id)), [None, None]);
    assert_eq!(submit(&registry, Some("k"), 1, "a"), Ok((mine[0].clone(), false)));
    // Nor do they prevent a new key.
    new(&registry, Some("l"), "a");
}

#[test]
fn an_execution_expires_with_its_key() {
    let registry = Registry::new(Retention { bytes: 1 << 20, executions: 10, time: Duration::ZERO }, 100);
    let running = new(&registry, Some("r"), "a");
    let ids = [ended(&registry, Some("k"), "a", 10), ended(&registry, None, "a", 10)];
    assert_eq!(registry.expire(), None);
    assert_eq!(ids.each_ref().map(|id| find(&registry, "a", id)), [Some(404), Some(404)]);
    new(&registry, Some("k"), "a");
    assert_eq!(submit(&registry, Some("r"), 1, "a"), Ok((running, false)));
    assert!(next_expiry().is_some_and(|next| next > Instant::now()));
}

/// When the only execution of a registry expires.
fn next_expiry() -> Option<Instant> {
    let registry = registry(1 << 20, 10);
    ended(&registry, None, "a", 10);
    registry.expire()
}

#[test]
fn a_tenant_with_too_many_unread_bytes_is_refused() {
    let registry = registry(0, 10);
    let unread = registry.track("a", vec![0; 101].into());
    assert_eq!(submit(&registry, None, 1, "a"), Err(429));
    assert!(registry.check_unread("a").is_err() && registry.check_unread("b").is_ok());
    new(&registry, None, "b");
    let copy = unread.slice(5..);
    drop(unread);
    assert_eq!(submit(&registry, None, 1, "a"), Err(429));
    drop(copy);
    new(&registry, None, "a");
}
