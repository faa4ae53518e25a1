//! What holds of what a watch sees, whatever that is.

use super::{
    condition::{self, Condition},
    event_watch,
    manifest::CONTAINER,
    pod_watch::{self, Sighting},
    subscribers::Subscribers,
    told::Told,
    watching::Seen,
};
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use kube::api::WatchEvent;
use serde::de::DeserializeOwned;

/// The run that is told.
const RUN: &str = "run-00000000000000000000";

fn seen<K: DeserializeOwned + Clone>(events: &[u8]) -> Vec<Seen<K>> {
    let events: Vec<WatchEvent<K>> = serde_json::from_slice(events).unwrap_or_default();
    // A watch that broke off tells again what it has told.
    let twice = events.iter().chain(&events);
    twice
        .map(|event| match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => Seen::Object(object.clone()),
            WatchEvent::Deleted(object) => Seen::Gone(object.clone()),
            WatchEvent::Bookmark(_) | WatchEvent::Error(_) => Seen::Trouble,
        })
        .collect()
}

/// A Pod that is gone stays gone, and what is said of it is true of it.
///
/// # Panics
///
/// Where that does not hold.
pub fn pods(events: &[u8]) {
    let runs = Subscribers::<Sighting>::default();
    let run = runs.add(RUN);
    for seen in seen::<Pod>(events) {
        let was_gone = run.latest().is_gone;
        if let Seen::Object(pod) | Seen::Gone(pod) = &seen {
            condition_of(pod);
        }
        pod_watch::see(&runs, seen);
        assert!(run.latest().is_gone || !was_gone);
    }
}

fn condition_of(pod: &Pod) {
    let statuses = || pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let state = |container: &ContainerStatus| container.state.clone().unwrap_or_default();
    let ours = statuses().find(|container| container.name == CONTAINER);
    let (runs, has_ended) =
        ours.map(state).map_or((false, false), |state| (state.running.is_some(), state.terminated.is_some()));
    let has_run = runs || has_ended || ours.is_some_and(|ours| ours.started == Some(true));
    let condition = condition::of(pod);
    match &condition {
        Condition::Running => assert!(runs && !has_ended && pod.metadata.deletion_timestamp.is_none()),
        Condition::Ended { .. } => assert!(has_ended),
        Condition::Lost(error) => {
            assert!(!error.retryable || !has_run, "{error:?}");
            assert!(error.message.len() < 200, "it tells of the cluster: {}", error.message);
        }
        Condition::Pending { .. } | Condition::Unschedulable(_) => assert!(!runs && !has_ended),
    }
    assert!(!condition::never_ran(pod) || !matches!(condition, Condition::Running | Condition::Ended { .. }));
}

/// What was told of a run stays told.
///
/// # Panics
///
/// Where that does not hold.
pub fn events(events: &[u8]) {
    let runs = Subscribers::<Told>::default();
    let run = runs.add(RUN);
    for seen in seen::<Event>(events) {
        let before = run.latest();
        event_watch::see(&runs, seen);
        let after = run.latest();
        assert!(after.is_amiss || !before.is_amiss);
        assert!(after.scheduled >= before.scheduled && after.pulled >= before.pulled);
        assert!(after.started.is_some() || before.started.is_none());
        assert!(after.started.is_none_or(|pod| pod.starts_with(RUN)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpora_hold() {
        cofferdam_fuzz::check_corpus("events", events);
        cofferdam_fuzz::check_corpus("pods", pods);
        cofferdam_fuzz::check_corpus("overlay", crate::overlay);
    }
}
