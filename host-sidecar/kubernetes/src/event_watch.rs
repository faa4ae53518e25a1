//! One watch for the events of a namespace, which tell of a container's start up to a second before its Pod's state does:
//! a kubelet sends them when it acts, and looks at what its containers do once a second.

use super::{
    cluster::RequestError,
    subscribers::{Subscribers, Subscription},
    survey::Survey,
    told::Told,
    watching::{Seen, watch},
};
use cofferdam_core::id_in;
use k8s_openapi::api::core::v1::Event;
use kube::{
    Api,
    api::{ListParams, WatchParams},
};
use std::sync::OnceLock;
use tokio::task::JoinHandle;

/// Tells each run what is told of it.
#[derive(Debug)]
pub(super) struct EventWatch {
    events: Api<Event>,
    runs: Subscribers<Told>,
    task: OnceLock<JoinHandle<()>>,
    survey: Survey,
}

impl EventWatch {
    pub(super) fn new(events: Api<Event>) -> Self {
        Self { events, runs: Subscribers::default(), task: OnceLock::new(), survey: Survey::default() }
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

    /// Makes up for what the watch may have missed, for all runs, unless that was just done.
    pub(super) async fn look(&self) -> Result<(), RequestError> {
        self.survey.take(&self.events, ListParams::default(), |event| see(&self.runs, Seen::Object(event))).await?;
        Ok(())
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
                runs.update(run, |told| told.hear(&event, &name));
            }
        }
        Seen::Gone(_) => {}
        Seen::Trouble => runs.update_all(|told| {
            (told.is_amiss, told.has_gaps) = (true, true);
            true
        }),
    }
}
