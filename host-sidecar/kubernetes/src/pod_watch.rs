//! One watch for all Pods of this sidecar, however many runs there are.

use super::{
    cluster::RequestError,
    condition,
    manifest::{RUN, SIDECAR},
    subscribers::{Subscribers, Subscription},
    survey::Survey,
    watching::{FROM_THE_START, Seen, watch},
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

/// The latest that was seen of a run's Pod.
#[derive(Debug, Clone, Default)]
pub(super) struct Sighting {
    /// The Pod, as it was last.
    pub(super) pod: Option<Arc<Pod>>,
    /// It was there and is not any more.
    pub(super) is_gone: bool,
    /// It was seen to go, and never ran.
    pub(super) never_ran: bool,
}

/// Tells each run of its Pod.
#[derive(Debug)]
pub(super) struct PodWatch {
    pods: Api<Pod>,
    selector: String,
    runs: Subscribers<Sighting>,
    task: OnceLock<JoinHandle<()>>,
    survey: Survey,
}

impl PodWatch {
    pub(super) fn new(pods: Api<Pod>, sidecar: &str) -> Self {
        let selector = format!("{SIDECAR}={sidecar}");
        Self { pods, selector, runs: Subscribers::default(), task: OnceLock::new(), survey: Survey::default() }
    }

    /// A run that will hear of its Pod, once the watch has begun.
    pub(super) fn subscribe(&self, run: &str) -> Subscription<Sighting> {
        self.runs.add(run)
    }

    /// Begins, if that has not been done. A run that nothing goes wrong with does not need it.
    pub(super) fn begin(&self) {
        self.task.get_or_init(|| {
            let (params, runs) = (WatchParams::default().labels(&self.selector), self.runs.clone());
            tokio::spawn(watch(self.pods.clone(), params, FROM_THE_START.to_owned(), move |seen| see(&runs, seen)))
        });
    }

    /// Makes up for what the watch may have missed, for all runs, unless that was just done.
    pub(super) async fn look(&self) -> Result<(), RequestError> {
        // A Pod that comes meanwhile may not be among those that are seen.
        let mut missing: HashSet<String> = self.runs.such(|sighting| sighting.pod.is_some()).into_iter().collect();
        let params = ListParams::default().labels(&self.selector);
        let see = |pod: Pod| {
            if let Some(run) = pod.labels().get(RUN).cloned() {
                missing.remove(&run);
                notice(&self.runs, &run, Some(pod), true);
            }
        };
        if self.survey.take(&self.pods, params, see).await? {
            missing.iter().for_each(|run| notice(&self.runs, run, None, true));
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

impl Subscription<Sighting> {
    /// What was learnt by asking instead of watching; `was_there` where there has been a Pod.
    pub(super) fn correct(&self, pod: Option<Pod>, was_there: bool) {
        notice(&self.subscribers, &self.run, pod, was_there);
    }

    /// Waits until the Pod is not there any more.
    pub(super) async fn gone(&mut self) {
        self.wait_for(|sighting| sighting.is_gone).await;
    }
}

pub(super) fn see(runs: &Subscribers<Sighting>, seen: Seen<Pod>) {
    match seen {
        Seen::Object(pod) => {
            if let Some(run) = pod.labels().get(RUN).cloned() {
                notice(runs, &run, Some(pod), true);
            }
        }
        Seen::Gone(pod) => {
            if let Some(run) = pod.labels().get(RUN).cloned() {
                // Its last state tells why.
                runs.update(&run, |sighting| {
                    *sighting =
                        Sighting { never_ran: condition::never_ran(&pod), pod: Some(Arc::new(pod)), is_gone: true };
                    true
                });
            }
        }
        Seen::Trouble => {}
    }
}

/// Hands on what was seen; none is a Pod that is not there.
fn notice(runs: &Subscribers<Sighting>, run: &str, pod: Option<Pod>, was_there: bool) {
    runs.update(run, |sighting| match pod {
        Some(pod) => {
            let is_news = sighting.pod.as_ref().and_then(|pod| pod.resource_version()) != pod.resource_version();
            sighting.pod = Some(Arc::new(pod));
            is_news
        }
        None => {
            let is_gone = was_there || sighting.pod.is_some();
            let is_news = is_gone && !sighting.is_gone;
            sighting.is_gone |= is_gone;
            is_news
        }
    });
}
