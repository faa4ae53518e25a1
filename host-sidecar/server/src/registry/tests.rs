//! What is kept, of whom, and what goes first.

use super::*;
use crate::{answer::Answer, budget::Budget};
use axum::{http::header, response::IntoResponse};

const LONG: Duration = Duration::from_secs(300);
/// Bytes that an outcome of none takes.
const OVERHEAD: usize = crate::records::OVERHEAD;
const RAN: Ending = Ending { bytes: 0, started: true, retryable: false };

fn registry(bytes: usize, runs: usize) -> Registry {
    Registry::new(Kept { bytes, runs, time: LONG }, 100)
}

fn begin(registry: &Registry, key: Option<&str>, body: u8, tenant: &str) -> Result<(String, bool), u16> {
    let begun = registry.begin(key.map(str::to_owned), [body; 32], tenant, false, || Execution::new(Instant::now()));
    match begun {
        Ok(Begun::New(execution, _)) => Ok((execution.id.clone(), true)),
        Ok(Begun::Same(execution)) => Ok((execution.id.clone(), false)),
        Err(refusal) => Err(refusal.into_response().status().as_u16()),
    }
}

fn new(registry: &Registry, key: Option<&str>, tenant: &str) -> String {
    let (id, is_new) = begin(registry, key, 1, tenant).expect("an execution");
    assert!(is_new, "{key:?}");
    id
}

fn find(registry: &Registry, tenant: &str, id: &str) -> Option<u16> {
    registry.find(tenant, id).err().map(|refusal| refusal.into_response().status().as_u16())
}

/// An execution that has ended with an outcome of so many bytes.
fn ended(registry: &Registry, key: Option<&str>, tenant: &str, bytes: usize) -> String {
    let id = new(registry, key, tenant);
    registry.ended(&id, Ending { bytes, ..RAN });
    id
}

#[test]
fn a_key_is_one_run_of_one_tenant_and_one_body() {
    let registry = registry(100, 10);
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
    let registry = registry(100, 10);
    let (id, _) = begin(&registry, None, 1, "a").expect("a run");
    assert_eq!((find(&registry, "a", &id), find(&registry, "b", &id)), (None, Some(404)));
    assert_eq!(find(&registry, "a", "run-0"), Some(404));
}

#[test]
fn what_did_not_take_place_may_be_tried_again() {
    let registry = registry(100, 10);
    let (id, _) = begin(&registry, Some("k"), 1, "a").expect("a run");
    registry.ended(&id, Ending { bytes: 1, started: false, retryable: true });
    assert!(begin(&registry, Some("k"), 2, "a").is_ok_and(|(_, is_new)| is_new));
    assert_eq!(find(&registry, "a", &id), None);
}

#[test]
fn outcomes_go_before_the_knowledge_that_there_was_a_run() {
    let registry = registry(2 * OVERHEAD + 100, 3);
    let ids = ["1", "2"].map(|key| ended(&registry, Some(key), "a", 60));
    assert_eq!((find(&registry, "a", &ids[0]), find(&registry, "a", &ids[1])), (Some(410), None));
    assert_eq!(begin(&registry, Some("1"), 1, "a"), Err(410));
    let large = ended(&registry, Some("3"), "a", 10 * OVERHEAD);
    assert_eq!([&ids[0], &ids[1], &large].map(|id| find(&registry, "a", id)), [Some(410); 3]);
}

#[test]
fn an_outcome_that_is_no_longer_kept_is_in_memory_no_longer() {
    let registry = registry(2 * OVERHEAD + 100, 10);
    let execution = |key: &str| {
        let begun = registry.begin(Some(key.into()), [1; 32], "a", false, || Execution::new(Instant::now()));
        let Ok(Begun::New(execution, telling)) = begun else { panic!("a new execution") };
        telling.end(Answer::Ended(registry.hold("a", vec![0; 60].into())));
        registry.ended(&execution.id, Ending { bytes: 60, ..RAN });
        Arc::downgrade(&execution)
    };
    let (first, second) = (execution("1"), execution("2"));
    assert!(first.upgrade().is_none() && second.upgrade().is_some());
    assert_eq!(registry.records().unread("a"), 0);
}

#[test]
fn the_tenant_that_holds_the_most_loses_its_oldest() {
    let registry = registry(4 * OVERHEAD, 10);
    let few = ended(&registry, None, "a", OVERHEAD);
    let many: Vec<_> = (0..5).map(|_| ended(&registry, None, "b", 0)).collect();
    assert_eq!(find(&registry, "a", &few), None);
    let found: Vec<_> = many.iter().map(|id| find(&registry, "b", id)).collect();
    assert_eq!(found, [Some(410), Some(410), Some(410), None, None]);
    // One that holds nothing gets room from one that holds all.
    let large = ended(&registry, None, "b", 2 * OVERHEAD);
    assert_eq!((find(&registry, "a", &few), find(&registry, "b", &large)), (None, Some(410)));
}

#[test]
fn no_key_is_forgotten_before_its_time_for_want_of_room() {
    let registry = registry(1 << 20, 2);
    let ids = ["1", "2"].map(|key| ended(&registry, Some(key), "a", 0));
    let refusal = registry.begin(Some("3".into()), [1; 32], "a", false, || Execution::new(Instant::now())).err();
    let refused = refusal.expect("a refusal").into_response();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()[header::RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((LONG.as_secs() - 60..=LONG.as_secs()).contains(&wait), "{wait}");
    assert_eq!(begin(&registry, Some("1"), 1, "a"), Ok((ids[0].clone(), false)));
    // What has no key, and another tenant, may go on.
    new(&registry, None, "a");
    new(&registry, Some("3"), "b");
}

#[test]
fn a_detached_execution_is_refused_rather_than_forgotten_at_its_end() {
    let registry = registry(1 << 20, 2);
    let detached = |tenant: &str| {
        let begun = registry.begin(None, [1; 32], tenant, true, || Execution::new(Instant::now()));
        begun.map(|begun| match begun {
            Begun::New(execution, _) | Begun::Same(execution) => execution.id.clone(),
        })
    };
    let first = detached("a").expect("room");
    ended(&registry, Some("1"), "a", 0);
    registry.ended(&first, RAN);
    (0..5).for_each(|_| drop(ended(&registry, None, "a", 0)));
    assert_eq!(find(&registry, "a", &first), None);
    let refused = detached("a").expect_err("as many as are remembered").into_response();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert!(detached("b").is_ok());
}

#[test]
fn an_execution_whose_task_is_gone_has_ended_and_is_forgotten_with_its_key() {
    let registry = Arc::new(Registry::new(Kept { bytes: 1 << 20, runs: 10, time: Duration::ZERO }, 100));
    let id = new(&registry, Some("k"), "a");
    let unended = Unended::new(&registry, &id);
    registry.expire();
    assert_eq!(find(&registry, "a", &id), None);
    drop(unended);
    registry.expire();
    assert_eq!(find(&registry, "a", &id), Some(404));
    new(&registry, Some("k"), "a");
}

#[test]
fn an_outcome_that_is_not_kept_takes_its_memory_until_it_was_read() {
    let registry = registry(OVERHEAD + 100, 10);
    let budget = Budget::shares(1, 1 << 10, 1 << 10).next().expect("a budget");
    let ids = [(); 2].map(|()| new(&registry, None, "a"));
    let keeps = [60, 200].map(|bytes| registry.ended(&ids[usize::from(bytes > 100)], Ending { bytes, ..RAN }));
    assert_eq!(keeps, [true, false]);
    let unread = registry.hold_charged("a", vec![0; 200].into(), budget.charge(1 << 10).ok());
    let part = unread.slice(5..);
    drop(unread);
    assert!(budget.charge(1).is_err());
    drop(part);
    assert!(budget.charge(1).is_ok());
}

#[test]
fn executions_without_a_key_are_forgotten_for_want_of_room() {
    let registry = registry(1 << 20, 2);
    let keyed = ended(&registry, Some("1"), "a", 0);
    let unkeyed = [(); 3].map(|()| ended(&registry, None, "a", 0));
    assert_eq!(unkeyed.each_ref().map(|id| find(&registry, "a", id)), [Some(404), Some(404), None]);
    assert_eq!(find(&registry, "a", &keyed), None);
}

#[test]
fn what_never_started_pushes_nothing_out() {
    let registry = registry(4 * OVERHEAD, 3);
    let mine = [ended(&registry, Some("k"), "a", OVERHEAD), ended(&registry, None, "a", OVERHEAD)];
    for tenant in ["a", "b"] {
        for number in 0..50 {
            let key = format!("{tenant}{number}");
            let id = new(&registry, (number % 2 == 0).then_some(&*key), tenant);
            registry.ended(&id, Ending { bytes: 1 << 20, started: false, retryable: false });
        }
    }
    assert_eq!(mine.each_ref().map(|id| find(&registry, "a", id)), [None, None]);
    assert_eq!(begin(&registry, Some("k"), 1, "a"), Ok((mine[0].clone(), false)));
    // Nor does it keep a key from being taken.
    new(&registry, Some("l"), "a");
}

#[test]
fn what_has_ended_long_ago_is_forgotten_with_its_key() {
    let registry = Registry::new(Kept { bytes: 1 << 20, runs: 10, time: Duration::ZERO }, 100);
    let runs = new(&registry, Some("r"), "a");
    let ids = [ended(&registry, Some("k"), "a", 10), ended(&registry, None, "a", 10)];
    assert_eq!(registry.expire(), None);
    assert_eq!(ids.each_ref().map(|id| find(&registry, "a", id)), [Some(404), Some(404)]);
    new(&registry, Some("k"), "a");
    assert_eq!(begin(&registry, Some("r"), 1, "a"), Ok((runs, false)));
    let later = registry_that_waits();
    assert!(later.is_some_and(|next| next > Instant::now()));
}

/// When the only execution of a registry is forgotten.
fn registry_that_waits() -> Option<Instant> {
    let registry = registry(1 << 20, 10);
    ended(&registry, None, "a", 10);
    registry.expire()
}

#[test]
fn who_leaves_too_much_unread_starts_nothing() {
    let registry = registry(0, 10);
    let unread = registry.hold("a", vec![0; 101].into());
    assert_eq!(begin(&registry, None, 1, "a"), Err(429));
    assert!(registry.check_unread("a").is_err() && registry.check_unread("b").is_ok());
    new(&registry, None, "b");
    let copy = unread.slice(5..);
    drop(unread);
    assert_eq!(begin(&registry, None, 1, "a"), Err(429));
    drop(copy);
    new(&registry, None, "a");
}
