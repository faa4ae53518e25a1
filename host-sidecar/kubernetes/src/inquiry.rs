//! Asking for the Pod of one run.

use super::{
    cluster::{Cluster, RequestError, bounded},
    manifest::RUN,
};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

/// The Pod of a run as it is now, if there is one.
pub(super) async fn pod(cluster: &Cluster, id: &str) -> Result<Option<Pod>, RequestError> {
    let pods = bounded(cluster.pods.list(&ListParams::default().labels(&format!("{RUN}={id}")))).await?;
    Ok(pods.items.into_iter().next())
}
