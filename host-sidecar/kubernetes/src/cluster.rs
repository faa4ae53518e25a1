//! The connection to the cluster, and the kinds of object that we deal with in it.

use super::{cluster_clock::ClusterClock, connect::Source, event_watch::EventWatch, pod_watch::PodWatch};
use crate::config::KubernetesConfig;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, Event, Pod},
};
use kube::{Api, Client};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long one request may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A namespace of a cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) jobs: Api<Job>,
    pub(super) pods: Api<Pod>,
    pub(super) config_maps: Api<ConfigMap>,
    pub(super) pod_watch: PodWatch,
    pub(super) event_watch: EventWatch,
    pub(super) clock: ClusterClock,
    /// Names this sidecar among all of the namespace.
    pub(super) sidecar: String,
}

impl Cluster {
    /// Connects; nothing is asked of the cluster yet.
    pub(super) async fn connect(source: &Source, settings: &KubernetesConfig) -> Result<Self, kube::Error> {
        let clock = ClusterClock::default();
        Ok(Self::new(source.client(&clock).await?, clock, &settings.namespace))
    }

    fn new(client: Client, clock: ClusterClock, namespace: &str) -> Self {
        let sidecar = uuid::Uuid::new_v4().simple().to_string();
        let pods = Api::namespaced(client.clone(), namespace);
        let events: Api<Event> = Api::namespaced(client.clone(), namespace);
        Self {
            jobs: Api::namespaced(client.clone(), namespace),
            config_maps: Api::namespaced(client, namespace),
            pod_watch: PodWatch::new(pods.clone(), &sidecar),
            event_watch: EventWatch::new(events),
            clock,
            pods,
            sidecar,
        }
    }
}

/// Why a request has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// The client's own word.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// None came.
    #[error("the API server did not answer in time")]
    Silence,
}

/// Waits for an answer, but not for ever.
pub(super) async fn bounded<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, RequestError> {
    bounded_until(Instant::now() + PATIENCE, request).await
}

/// The same, and no longer than until then.
pub(super) async fn bounded_until<T>(
    deadline: Instant,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, RequestError> {
    match timeout_at(deadline.min(Instant::now() + PATIENCE), request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(RequestError::Silence),
    }
}
