//! What holds for the observed state, whatever a watch reports. Fuzz targets and their corpora check it.

use super::{
    event_state::EventState,
    event_watch,
    pod_status::{self, PodStatus},
    pod_watch::{self, ObservedPod},
    stream::WatchEvent,
    watch_fanout::WatchFanout,
};
use crate::manifest::CONTAINER;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use kube::api::WatchEvent as ServerEvent;
use serde::de::DeserializeOwned;

/// The execution whose state is observed.
const ID: &str = "run-00000000000000000000";

fn watch_events<K: DeserializeOwned + Clone>(json: &[u8]) -> Vec<WatchEvent<K>> {
    let events: Vec<ServerEvent<K>> = serde_json::from_slice(json).unwrap_or_default();
    // A watch repeats events after an interruption.
    let twice = events.iter().chain(&events);
    twice
        .map(|event| match event {
            ServerEvent::Added(object) | ServerEvent::Modified(object) => WatchEvent::Applied(object.clone()),
            ServerEvent::Deleted(object) => WatchEvent::Deleted(object.clone()),
            ServerEvent::Bookmark(_) | ServerEvent::Error(_) => WatchEvent::Error,
        })
        .collect()
}

/// A deleted Pod stays deleted, and each status agrees with its Pod.
///
/// # Panics
///
/// If that does not hold.
pub fn pods(json: &[u8]) {
    let executions = WatchFanout::<ObservedPod>::default();
    let execution = executions.subscribe(ID);
    for event in watch_events::<Pod>(json) {
        let was_deleted = execution.latest().is_deleted;
        if let WatchEvent::Applied(pod) | WatchEvent::Deleted(pod) = &event {
            check_status(pod);
        }
        pod_watch::handle(&executions, event);
        assert!(execution.latest().is_deleted || !was_deleted);
    }
}

fn check_status(pod: &Pod) {
    let statuses = || pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let state = |container: &ContainerStatus| container.state.clone().unwrap_or_default();
    let runner = statuses().find(|container| container.name == CONTAINER);
    let (runs, has_terminated) = runner
        .map(state)
        .map_or((false, false), |state| (state.running.is_some(), state.terminated.is_some()));
    let has_run = runs || has_terminated || runner.is_some_and(|runner| runner.started == Some(true));
    let status = pod_status::of(pod);
    match &status {
        PodStatus::Running => assert!(runs && !has_terminated && pod.metadata.deletion_timestamp.is_none()),
        PodStatus::Terminated { .. } => assert!(has_terminated),
        PodStatus::Failed(error) => {
            assert!(!error.retryable || !has_run, "{error:?}");
            assert!(error.message.len() < 200, "it contains details of the cluster: {}", error.message);
        }
        PodStatus::Pending { .. } | PodStatus::Unschedulable(_) => assert!(!runs && !has_terminated),
    }
    assert!(
        !pod_status::never_ran(pod) || !matches!(status, PodStatus::Running | PodStatus::Terminated { .. })
    );
}

/// What events have reported stays reported.
///
/// # Panics
///
/// If that does not hold.
pub fn events(json: &[u8]) {
    let executions = WatchFanout::<EventState>::default();
    let execution = executions.subscribe(ID);
    for event in watch_events::<Event>(json) {
        let before = execution.latest();
        event_watch::handle(&executions, event);
        let after = execution.latest();
        assert!(after.needs_attention || !before.needs_attention);
        assert!(after.scheduled >= before.scheduled && after.pulled >= before.pulled);
        assert!(after.started.is_some() || before.started.is_none());
        assert!(after.started.is_none_or(|pod| pod.starts_with(ID)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invariants_hold_for_the_fuzz_corpora() {
        cofferdam_fuzz::check_corpus("events", events);
        cofferdam_fuzz::check_corpus("pods", pods);
    }
}
