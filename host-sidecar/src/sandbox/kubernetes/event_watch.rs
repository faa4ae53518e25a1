//! One watch for the events of a namespace, which tell of a container's start up to a second before its Pod's state does:
//! a kubelet sends them when it acts, and looks at what its containers do once a second.

use super::{
    manifest::CONTAINER,
    subscribers::{Subscribers, Subscription},
    watching::{Seen, watch},
};
use crate::sandbox::id_in;
use k8s_openapi::api::core::v1::Event;
use kube::{Api, api::WatchParams};
use std::sync::OnceLock;
use tokio::{task::JoinHandle, time::Instant};

/// What was told of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// When a node had been found.
    pub(super) scheduled: Option<Instant>,
    /// When the image was there.
    pub(super) pulled: Option<Instant>,
    /// The Pod whose container has started.
    pub(super) started: Option<String>,
    /// Something is amiss, with the run or with the watch.
    pub(super) is_amiss: bool,
}

/// Tells each run what is told of it.
#[derive(Debug)]
pub(super) struct EventWatch {
    events: Api<Event>,
    runs: Subscribers<Told>,
    task: OnceLock<JoinHandle<()>>,
}

impl EventWatch {
    pub(super) fn new(events: Api<Event>) -> Self {
        Self { events, runs: Subscribers::default(), task: OnceLock::new() }
    }

    /// A run that will hear, once the watch has begun.
    pub(super) fn subscribe(&self, run: &str) -> Subscription<Told> {
        self.runs.add(run)
    }

    /// Begins with what comes after this version of anything, if that has not been done.
    pub(super) fn begin(&self, version: Option<String>) {
        self.task.get_or_init(|| {
            let runs = self.runs.clone();
            let see = move |seen| see(&runs, seen);
            tokio::spawn(watch(self.events.clone(), WatchParams::default(), version.unwrap_or_default(), see))
        });
    }
}

impl Drop for EventWatch {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

pub(super) fn see(runs: &Subscribers<Told>, seen: Seen<Event>) {
    match seen {
        Seen::Object(event) => {
            let name = event.involved_object.name.clone().unwrap_or_default();
            if let Some(run) = id_in(&name) {
                runs.update(run, |told| hear(told, &event, &name));
            }
        }
        Seen::Gone(_) => {}
        Seen::Trouble => runs.update_all(|told| !std::mem::replace(&mut told.is_amiss, true)),
    }
}

/// Whether an event is news for its run. Pure, but for the clock.
fn hear(told: &mut Told, event: &Event, object: &str) -> bool {
    let of_pod = event.involved_object.kind.as_deref() == Some("Pod");
    let of_container = event.involved_object.field_path.as_deref().is_some_and(|path| path.contains(CONTAINER));
    match event.reason.as_deref() {
        Some("Scheduled") if of_pod => told.scheduled = Some(Instant::now()),
        Some("Pulled") if of_container => told.pulled = Some(Instant::now()),
        Some("Started") if of_container => told.started = Some(object.to_owned()),
        Some("Killing") => told.is_amiss = true,
        _ if event.type_.as_deref() == Some("Warning") => told.is_amiss = true,
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(kind: &str, field: &str, reason: &str, level: &str) -> Told {
        let event = json!({ "metadata": {}, "type": level, "reason": reason,
            "involvedObject": { "kind": kind, "name": "run-0-x", "fieldPath": field } });
        let mut told = Told::default();
        hear(&mut told, &serde_json::from_value(event).expect("an event"), "run-0-x");
        told
    }

    #[test]
    fn a_start_is_that_of_our_container() {
        let ours = "spec.containers{runner}";
        assert_eq!(told("Pod", ours, "Started", "Normal").started.as_deref(), Some("run-0-x"));
        assert_eq!(told("Pod", "spec.containers{proxy}", "Started", "Normal").started, None);
        assert!(told("Pod", ours, "Pulled", "Normal").pulled.is_some());
        assert!(told("Pod", "", "Scheduled", "Normal").scheduled.is_some());
    }

    #[test]
    fn a_warning_is_looked_into() {
        assert!(told("Job", "", "FailedCreate", "Warning").is_amiss);
        assert!(told("Pod", "spec.containers{runner}", "Killing", "Normal").is_amiss);
        assert!(!told("Job", "", "SuccessfulCreate", "Normal").is_amiss);
    }
}
