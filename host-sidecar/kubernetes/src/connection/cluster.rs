//! One namespace of a cluster.

use super::source::ClusterSource;
use crate::{
    api::{RequestError, server_time::ServerTime, with_timeout},
    config::KubernetesConfig,
    manifest::EXECUTION_LABEL,
    watch::{EventWatch, PodWatch},
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, Event, Pod},
};
use kube::{Api, Client, api::ListParams};

/// The objects of a namespace, and the watches that all executions share.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) jobs: Api<Job>,
    pub(crate) pods: Api<Pod>,
    pub(crate) config_maps: Api<ConfigMap>,
    pub(crate) pod_watch: PodWatch,
    pub(crate) event_watch: EventWatch,
    pub(crate) server_time: ServerTime,
    /// Identifies this sidecar in the namespace.
    pub(crate) sidecar: String,
}

impl Cluster {
    /// Makes a client for the cluster. It sends no request yet.
    pub(crate) async fn connect(
        source: &ClusterSource,
        config: &KubernetesConfig,
    ) -> Result<Self, kube::Error> {
        let server_time = ServerTime::default();
        Ok(Self::new(source.client(&server_time).await?, server_time, &config.namespace))
    }

    fn new(client: Client, server_time: ServerTime, namespace: &str) -> Self {
        let sidecar = uuid::Uuid::new_v4().simple().to_string();
        let pods = Api::namespaced(client.clone(), namespace);
        let events: Api<Event> = Api::namespaced(client.clone(), namespace);
        Self {
            jobs: Api::namespaced(client.clone(), namespace),
            config_maps: Api::namespaced(client, namespace),
            pod_watch: PodWatch::new(pods.clone(), &sidecar),
            event_watch: EventWatch::new(events),
            server_time,
            pods,
            sidecar,
        }
    }

    /// Requests the Pod of an execution.
    pub(crate) async fn get_pod(&self, id: &str) -> Result<Option<Pod>, RequestError> {
        let params = ListParams::default().labels(&format!("{EXECUTION_LABEL}={id}"));
        let pods = with_timeout(self.pods.list(&params)).await?;
        Ok(pods.items.into_iter().next())
    }
}
