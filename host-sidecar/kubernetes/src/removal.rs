//! Taking away what a run made, on every way out.

use super::{
    cluster::{self, Cluster, RequestError, bounded},
    refusal,
};
use crate::config::Workload;
use kube::{
    Api,
    api::{DeleteParams, Preconditions, PropagationPolicy},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::task::TaskTracker;

/// How long it is tried.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a creation that nobody waited for may still be on its way: as long as one would have waited.
const STRAGGLER: Duration = cluster::PATIENCE;
/// Between two attempts, at first and at the most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// The objects of one run, which are removed at the latest when this is dropped.
#[derive(Debug)]
pub(super) struct Removal {
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    workload: Workload,
    id: String,
    /// Of the object that owns all the others, once it is known.
    uid: Option<String>,
    is_begun: bool,
    /// That of the run, which may be dropped outside of it.
    runtime: Handle,
}

impl Removal {
    /// For a run that is about to be created.
    pub(super) fn new(cluster: Arc<Cluster>, tasks: TaskTracker, workload: Workload, id: &str) -> Self {
        let runtime = Handle::current();
        Self { cluster, tasks, workload, id: id.to_owned(), uid: None, is_begun: false, runtime }
    }

    /// From now on it is known which object it is.
    pub(super) fn owner_is(&mut self, uid: String) {
        self.uid = Some(uid);
    }

    /// Begins to remove, beside whatever else goes on; at most once.
    pub(super) fn begin(&mut self) -> Option<JoinHandle<()>> {
        if std::mem::replace(&mut self.is_begun, true) {
            return None;
        }
        let (cluster, workload, id, uid) = (self.cluster.clone(), self.workload, self.id.clone(), self.uid.clone());
        Some(self.tasks.spawn_on(
            async move {
                let removed = match workload {
                    Workload::Job => remove(&cluster.jobs, &id, uid).await,
                    Workload::Pod => remove(&cluster.pods, &id, uid).await,
                };
                if let Err(error) = removed {
                    tracing::warn!(id, %error, "what the run left in the cluster could not be removed; `cofferdam gc` will");
                }
            },
            &self.runtime,
        ))
    }

    /// Nothing was made, so that there is nothing to remove.
    pub(super) fn disarm(&mut self) {
        self.is_begun = true;
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.begin();
    }
}

/// Deletes an object and, in the background, all that it owns. One that is not known to exist is looked for a little longer.
async fn remove<K>(api: &Api<K>, name: &str, uid: Option<String>) -> Result<(), RequestError>
where
    K: Clone + DeserializeOwned + Debug,
{
    let begun = Instant::now();
    let may_be_under_way = uid.is_none();
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None }),
        ..DeleteParams::default()
    };
    let mut pause = BACKOFF.0;
    loop {
        match bounded(api.delete(name, &params)).await {
            Ok(_) => return Ok(()),
            Err(RequestError::Kube(kube::Error::Api(status))) if refusal::is_not_there(&status) => {
                if !may_be_under_way || begun.elapsed() > STRAGGLER {
                    return Ok(());
                }
            }
            Err(error) if !refusal::is_passing(&error) || begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => {}
        }
        sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}
