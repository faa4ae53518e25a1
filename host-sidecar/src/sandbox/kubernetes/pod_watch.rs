//! One watch for all Pods of this sidecar, however many runs there are.

use super::{
    condition,
    manifest::{RUN, SIDECAR},
};
use futures_util::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{WatchEvent, WatchParams},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

/// How long the server keeps one watch open.
const SERVER_SECONDS: u32 = 240;
/// After this time it is not the server that is silent, but the connection that is gone.
const SILENCE: Duration = Duration::from_secs(SERVER_SECONDS as u64 + 10);
/// How long a server may take to begin one.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two attempts, at first and at the most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Any version will do: what there is comes first.
const FROM_THE_START: &str = "0";

/// The latest that was seen of a run's Pod.
#[derive(Debug, Clone, Default)]
pub(super) struct Sighting {
    /// The Pod, as it was last.
    pub(super) pod: Option<Arc<Pod>>,
    /// It was there and is not any more.
    pub(super) is_gone: bool,
}

impl Sighting {
    /// Whether it was seen to the end, and never ran.
    pub(super) fn never_ran(&self) -> bool {
        self.is_gone && self.pod.as_deref().is_some_and(condition::never_ran)
    }
}

type Runs = Arc<Mutex<HashMap<String, watch::Sender<Sighting>>>>;

/// Tells each run of its Pod.
#[derive(Debug)]
pub(super) struct PodWatch {
    pods: Api<Pod>,
    selector: String,
    runs: Runs,
    task: OnceLock<JoinHandle<()>>,
}

impl PodWatch {
    pub(super) fn new(pods: Api<Pod>, sidecar: &str) -> Self {
        Self { pods, selector: format!("{SIDECAR}={sidecar}"), runs: Runs::default(), task: OnceLock::new() }
    }

    /// Hears of a run's Pod from now on.
    pub(super) fn subscribe(&self, run: &str) -> Subscription {
        self.task.get_or_init(|| tokio::spawn(watch(self.pods.clone(), self.selector.clone(), self.runs.clone())));
        let (sender, sightings) = watch::channel(Sighting::default());
        lock(&self.runs).insert(run.to_owned(), sender);
        Subscription { run: run.to_owned(), runs: self.runs.clone(), sightings }
    }
}

impl Drop for PodWatch {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// One run's part of the watch.
#[derive(Debug)]
pub(super) struct Subscription {
    run: String,
    runs: Runs,
    sightings: watch::Receiver<Sighting>,
}

impl Subscription {
    /// Waits for something new.
    pub(super) async fn changed(&mut self) {
        // The sender lives in `runs` for as long as this does.
        let _ = self.sightings.changed().await;
    }

    /// The latest.
    pub(super) fn latest(&self) -> Sighting {
        self.sightings.borrow().clone()
    }

    /// What was learnt by asking instead of watching.
    pub(super) fn correct(&self, pod: Option<Pod>) {
        notice(&self.runs, &self.run, pod);
    }

    /// Waits until the Pod is not there any more.
    pub(super) async fn gone(&mut self) {
        let _ = self.sightings.wait_for(|sighting| sighting.is_gone).await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.runs).remove(&self.run);
    }
}

fn lock(runs: &Runs) -> MutexGuard<'_, HashMap<String, watch::Sender<Sighting>>> {
    runs.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands on what was seen; none is a Pod that is not there.
fn notice(runs: &Runs, run: &str, pod: Option<Pod>) {
    let Some(sender) = lock(runs).get(run).cloned() else { return };
    sender.send_if_modified(|sighting| match pod {
        Some(pod) => {
            let is_news = sighting.pod.as_ref().and_then(|pod| pod.resource_version()) != pod.resource_version();
            sighting.pod = Some(Arc::new(pod));
            is_news
        }
        None => {
            let is_news = sighting.pod.is_some() && !sighting.is_gone;
            sighting.is_gone |= sighting.pod.is_some();
            is_news
        }
    });
}

/// Watches for ever, from where it was when a watch ended, or from the start where the server has forgotten that.
async fn watch(pods: Api<Pod>, selector: String, runs: Runs) {
    let params = WatchParams::default().labels(&selector).timeout(SERVER_SECONDS);
    let (mut version, mut pause) = (FROM_THE_START.to_owned(), BACKOFF.0 / 2);
    loop {
        let begun = Instant::now();
        if let Err(error) = follow(&pods, &params, &mut version, &runs).await {
            tracing::debug!(%error, "the watch on Pods broke off");
            if let kube::Error::Api(_) = error {
                // Whatever it was, such as 410 for a version that is forgotten, the start is always known.
                version = FROM_THE_START.to_owned();
            }
        }
        // One that lasted was a good one; others are not to be asked for in a hurry.
        pause = if begun.elapsed() > BACKOFF.1 { BACKOFF.0 } else { (pause * 2).min(BACKOFF.1) };
        sleep(pause).await;
    }
}

async fn follow(pods: &Api<Pod>, params: &WatchParams, version: &mut String, runs: &Runs) -> kube::Result<()> {
    let deadline = Instant::now() + SILENCE;
    let Ok(stream) = timeout_at(Instant::now() + ANSWER, pods.watch(params, version)).await else { return Ok(()) };
    let stream = stream?;
    pin_mut!(stream);
    while let Ok(Some(event)) = timeout_at(deadline, stream.next()).await {
        match event? {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                *version = pod.resource_version().unwrap_or_default();
                if let Some(run) = pod.labels().get(RUN).cloned() {
                    notice(runs, &run, Some(pod));
                }
            }
            WatchEvent::Deleted(pod) => {
                *version = pod.resource_version().unwrap_or_default();
                if let Some(run) = pod.labels().get(RUN) {
                    // Its last state tells why.
                    notice(runs, run, Some(pod.clone()));
                    notice(runs, run, None);
                }
            }
            WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(())
}
