//! One watch for all Pods of this sidecar.

use super::{
    pod_status,
    relist::Relist,
    stream::{ANY_VERSION, WatchEvent, watch},
    watch_fanout::{Subscription, WatchFanout},
};
use crate::{
    api::RequestError,
    manifest::{EXECUTION_LABEL, SIDECAR_LABEL},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, WatchParams},
};
use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};
use tokio::task::JoinHandle;

/// The latest observed state of an execution's Pod.
#[derive(Debug, Clone, Default)]
pub(crate) struct ObservedPod {
    /// The Pod; its last state if it was deleted.
    pub(crate) pod: Option<Arc<Pod>>,
    /// The Pod was deleted.
    pub(crate) is_deleted: bool,
    /// The Pod was deleted, and its last state shows that its container never ran.
    pub(crate) never_ran: bool,
}

impl ObservedPod {
    /// Whether the container has terminated, or the Pod is being removed.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_deleted || self.pod.as_deref().is_some_and(pod_status::has_ended)
    }
}

/// Observes the Pod of each execution.
#[derive(Debug)]
pub(crate) struct PodWatch {
    pods: Api<Pod>,
    selector: String,
    executions: WatchFanout<ObservedPod>,
    task: OnceLock<JoinHandle<()>>,
    relist: Relist,
}

impl PodWatch {
    pub(crate) fn new(pods: Api<Pod>, sidecar: &str) -> Self {
        let selector = format!("{SIDECAR_LABEL}={sidecar}");
        Self {
            pods,
            selector,
            executions: WatchFanout::default(),
            task: OnceLock::new(),
            relist: Relist::default(),
        }
    }

    /// Observes the Pod of one execution, once the watch is started.
    pub(crate) fn subscribe(&self, id: &str) -> Subscription<ObservedPod> {
        self.executions.subscribe(id)
    }

    /// Starts the watch, if it is not started. An execution without problems does not need it.
    pub(crate) fn start(&self) {
        self.task.get_or_init(|| {
            let (params, executions) =
                (WatchParams::default().labels(&self.selector), self.executions.clone());
            tokio::spawn(watch(self.pods.clone(), params, ANY_VERSION.to_owned(), move |event| {
                handle(&executions, event);
            }))
        });
    }

    /// Lists the Pods, for all executions, in case the watch has missed changes.
    pub(crate) async fn relist(&self) -> Result<(), RequestError> {
        // Collected first: a Pod that is created during the list may not be in it, and is not deleted either.
        let mut missing: HashSet<String> =
            self.executions.matching(|observed| observed.pod.is_some()).into_iter().collect();
        let params = ListParams::default().labels(&self.selector);
        let handle = |pod: Pod| {
            if let Some(id) = execution_id(&pod) {
                missing.remove(&id);
                update(&self.executions, &id, pod);
            }
        };
        if self.relist.run(&self.pods, params, handle).await? {
            missing.iter().for_each(|id| set_deleted(&self.executions, id));
        }
        Ok(())
    }
}

impl Drop for PodWatch {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Subscription<ObservedPod> {
    /// Replaces the observed state by the answer to a request; `None` if a Pod that existed does not any
    /// more.
    pub(crate) fn set(&self, pod: Option<Pod>) {
        match pod {
            Some(pod) => update(&self.fanout, &self.id, pod),
            None => set_deleted(&self.fanout, &self.id),
        }
    }

    /// Waits until the Pod is deleted.
    pub(crate) async fn deleted(&mut self) {
        self.wait_for(|observed| observed.is_deleted).await;
    }
}

pub(super) fn handle(executions: &WatchFanout<ObservedPod>, event: WatchEvent<Pod>) {
    match event {
        WatchEvent::Applied(pod) => {
            if let Some(id) = execution_id(&pod) {
                update(executions, &id, pod);
            }
        }
        WatchEvent::Deleted(pod) => {
            if let Some(id) = execution_id(&pod) {
                executions.update(&id, |observed| {
                    let never_ran = pod_status::never_ran(&pod);
                    *observed = ObservedPod { never_ran, pod: Some(Arc::new(pod)), is_deleted: true };
                    true
                });
            }
        }
        WatchEvent::Error => {}
    }
}

fn execution_id(pod: &Pod) -> Option<String> {
    pod.labels().get(EXECUTION_LABEL).cloned()
}

fn update(executions: &WatchFanout<ObservedPod>, id: &str, pod: Pod) {
    executions.update(id, |observed| {
        let is_new = observed.pod.as_ref().and_then(|pod| pod.resource_version()) != pod.resource_version();
        observed.pod = Some(Arc::new(pod));
        is_new
    });
}

fn set_deleted(executions: &WatchFanout<ObservedPod>, id: &str) {
    executions.update(id, |observed| !std::mem::replace(&mut observed.is_deleted, true));
}
