//! Deletes the objects of one execution, however it ends.

use crate::{
    api::{
        RequestError,
        error::{is_not_found, is_transient},
        request::REQUEST_TIMEOUT,
        with_timeout,
    },
    config::Workload,
    connection::Cluster,
};
use backon::{ExponentialBuilder, Retryable};
use kube::{
    Api,
    api::{DeleteParams, Preconditions, PropagationPolicy},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc, time::Duration};
use tokio::{runtime::Handle, time::Instant};
use tokio_util::task::TaskTracker;

/// For how long a failed deletion is retried.
const DELETE_TIMEOUT: Duration = Duration::from_secs(30);
/// For how long an object whose creation was not confirmed may still appear: the time limit of the creation.
const CREATION_TIMEOUT: Duration = REQUEST_TIMEOUT;
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(3))
    .without_max_times();

/// Deletes the objects of one execution, at the latest when it is dropped.
#[derive(Debug)]
pub(crate) struct CleanupGuard {
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    workload: Workload,
    id: String,
    /// The UID of the object that owns all others, once it is known.
    uid: Option<String>,
    is_armed: bool,
    /// The runtime of the execution; the guard may be dropped outside of it.
    runtime: Handle,
}

impl CleanupGuard {
    /// For an execution whose objects are about to be created.
    pub(crate) fn new(cluster: Arc<Cluster>, tasks: TaskTracker, workload: Workload, id: &str) -> Self {
        let runtime = Handle::current();
        Self { cluster, tasks, workload, id: id.to_owned(), uid: None, is_armed: true, runtime }
    }

    /// The owner was created with this UID.
    pub(crate) fn set_owner(&mut self, uid: String) {
        self.uid = Some(uid);
    }

    /// Nothing was created.
    pub(crate) fn disarm(&mut self) {
        self.is_armed = false;
    }

    /// Starts the deletion in the background, unless it was started.
    pub(crate) fn start(&mut self) {
        if !std::mem::take(&mut self.is_armed) {
            return;
        }
        let (cluster, workload, id, uid) =
            (self.cluster.clone(), self.workload, self.id.clone(), self.uid.clone());
        self.tasks.spawn_on(
            async move {
                let deleted = match workload {
                    Workload::Job => delete(&cluster.jobs, &id, uid).await,
                    Workload::Pod => delete(&cluster.pods, &id, uid).await,
                };
                if let Err(error) = deleted {
                    tracing::warn!(
                        id,
                        %error,
                        "the objects of the execution could not be deleted; `cofferdam gc` deletes them"
                    );
                }
            },
            &self.runtime,
        );
    }
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        self.start();
    }
}

/// Deletes an object and, in the background, all that it owns. Without a UID its creation was not confirmed,
/// and it may still appear.
async fn delete<K>(api: &Api<K>, name: &str, uid: Option<String>) -> Result<(), RequestError>
where
    K: Clone + DeserializeOwned + Debug,
{
    let started = Instant::now();
    let may_appear = uid.is_none();
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None }),
        ..DeleteParams::default()
    };
    let deleted = (|| with_timeout(api.delete(name, &params)))
        .retry(RETRY)
        .when(|error| match error {
            error if is_not_found(error) => may_appear && started.elapsed() <= CREATION_TIMEOUT,
            error => is_transient(error) && started.elapsed() <= DELETE_TIMEOUT,
        })
        .await;
    match deleted {
        Err(error) if !is_not_found(&error) => Err(error),
        _ => Ok(()),
    }
}
