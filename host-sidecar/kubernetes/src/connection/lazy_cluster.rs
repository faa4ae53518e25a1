//! A cluster that is connected to when it is first needed.

use super::{cluster::Cluster, source::ClusterSource};
use crate::{api::error, config::KubernetesConfig};
use cofferdam_types::{Error, ErrorCode};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::OnceCell, task::spawn_blocking, time::timeout};

/// Time limit of the program that fetches the credentials.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(30);

/// A cluster, once it is connected. The connection belongs to the tokio runtime of its first use.
#[derive(Debug)]
pub(crate) struct LazyCluster {
    pub(crate) source: ClusterSource,
    config: KubernetesConfig,
    cluster: OnceCell<Arc<Cluster>>,
}

impl LazyCluster {
    pub(crate) fn new(source: ClusterSource, config: KubernetesConfig) -> Self {
        Self { source, config, cluster: OnceCell::new() }
    }

    /// The cluster.
    ///
    /// # Errors
    ///
    /// The kubeconfig or the service account cannot be used. The next call tries again.
    pub(crate) async fn get(&self) -> Result<Arc<Cluster>, Error> {
        self.cluster.get_or_try_init(|| self.connect()).await.cloned()
    }

    async fn connect(&self) -> Result<Arc<Cluster>, Error> {
        let (source, config, runtime) = (self.source.clone(), self.config.clone(), Handle::current());
        // kube blocks the thread while it waits for the program that fetches the credentials.
        let connected = spawn_blocking(move || runtime.block_on(Cluster::connect(&source, &config)));
        match timeout(CREDENTIALS_TIMEOUT, connected).await {
            Ok(Ok(connected)) => connected.map(Arc::new).map_err(|error| connect_error(&error)),
            Ok(Err(error)) => Err(Error::internal("the connection to the cluster failed", error)),
            Err(_) => {
                let text = "the program that fetches the credentials for the cluster did not finish in time";
                Err(Error::new(ErrorCode::Unreachable, text).retryable())
            }
        }
    }
}

fn connect_error(error: &kube::Error) -> Error {
    if error::is_credentials_error(error) {
        return Error::new(ErrorCode::Unauthorised, error::NO_CREDENTIALS).with_detail(error);
    }
    let text = "no connection to the cluster: its kubeconfig or service account cannot be used";
    Error::new(ErrorCode::Unreachable, text).with_detail(error)
}
