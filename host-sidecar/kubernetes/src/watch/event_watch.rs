//! One watch for the events of the namespace. They report a container's start up to a second before the Pod's
//! status does: a kubelet sends an event when it acts, and updates the status once a second.

use super::{
    event_state::EventState,
    relist::Relist,
    stream::{WatchEvent, watch},
    watch_fanout::{Subscription, WatchFanout},
};
use crate::api::RequestError;
use cofferdam_core::id_in;
use k8s_openapi::api::core::v1::Event;
use kube::{
    Api,
    api::{ListParams, WatchParams},
};
use std::sync::OnceLock;
use tokio::task::JoinHandle;

/// Collects the events of each execution.
#[derive(Debug)]
pub(crate) struct EventWatch {
    events: Api<Event>,
    executions: WatchFanout<EventState>,
    task: OnceLock<JoinHandle<()>>,
    relist: Relist,
}

impl EventWatch {
    pub(crate) fn new(events: Api<Event>) -> Self {
        Self { events, executions: WatchFanout::default(), task: OnceLock::new(), relist: Relist::default() }
    }

    /// Collects the events of one execution, once the watch is started.
    pub(crate) fn subscribe(&self, id: &str) -> Subscription<EventState> {
        self.executions.subscribe(id)
    }

    /// Starts the watch after this resource version, if it is not started.
    pub(crate) fn start(&self, version: Option<String>) {
        self.task.get_or_init(|| {
            let executions = self.executions.clone();
            let handle = move |event| handle(&executions, event);
            tokio::spawn(watch(
                self.events.clone(),
                WatchParams::default(),
                version.unwrap_or_default(),
                handle,
            ))
        });
    }

    /// Lists the events, for all executions, in case the watch has missed some.
    pub(crate) async fn relist(&self) -> Result<(), RequestError> {
        let handle = |event| handle(&self.executions, WatchEvent::Applied(event));
        self.relist.run(&self.events, ListParams::default(), handle).await?;
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

pub(super) fn handle(executions: &WatchFanout<EventState>, event: WatchEvent<Event>) {
    match event {
        WatchEvent::Applied(event) => {
            let name = event.involved_object.name.clone().unwrap_or_default();
            if let Some(id) = id_in(&name) {
                executions.update(id, |state| state.apply(&event, &name));
            }
        }
        WatchEvent::Deleted(_) => {}
        WatchEvent::Error => executions.update_all(|state| {
            (state.needs_attention, state.has_gaps) = (true, true);
            true
        }),
    }
}
