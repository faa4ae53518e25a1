//! Which cluster, and as whom.

use super::{SetupError, cluster_clock::ClusterClock, credential_program};
use crate::config::{KubernetesConfig, is_in_cluster};
use cofferdam_core::os::{
    regular_file::{self, Links},
    user_folders,
};
use http::Response;
use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use std::{env, ffi::OsStr, time::Duration};
use tower::util::MapResponseLayer;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the way to the cluster is told.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// By the Pod that this process runs in.
    InCluster,
    /// By a kubeconfig, in this context or else in its current one.
    File(Box<Kubeconfig>, Option<String>),
}

impl Source {
    /// A file or context that is named, else the cluster that this process runs in, else the user's own file.
    pub(super) fn find(settings: &KubernetesConfig) -> Result<Self, SetupError> {
        let (path, context) = (&settings.kubeconfig_path, &settings.kubeconfig_context);
        if path.is_none() && context.is_none() && is_in_cluster() {
            return Ok(Self::InCluster);
        }
        let mut kubeconfig = match path {
            Some(path) => {
                let failed = |source| SetupError::KubeconfigPath { path: path.clone(), source: Box::new(source) };
                // What reads it would wait for a FIFO, and read a device for ever.
                regular_file::open(path, Links::Follow)
                    .map_err(|source| failed(KubeconfigError::ReadConfig(source, path.clone())))?;
                Kubeconfig::read_from(path).map_err(failed)?
            }
            None => {
                let failed = |source| SetupError::NoKubeconfig { source: Box::new(source) };
                let is_named = env::var_os("KUBECONFIG").is_some_and(|files| names_file(&files));
                // What is in the working directory may run programs, as any kubeconfig may.
                if !is_named && !user_folders::has_home() {
                    return Err(failed(KubeconfigError::FindPath));
                }
                Kubeconfig::read().map_err(failed)?
            }
        };
        let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
        if let Some(context) = context.as_ref().filter(|context| !known.contains(&context.as_str())) {
            return Err(SetupError::NoContext { context: context.clone(), known: known.join(", ") });
        }
        if context.is_none() && kubeconfig.current_context.as_ref().is_none_or(|current| current.is_empty()) {
            return Err(SetupError::NoCurrentContext { known: known.join(", ") });
        }
        credential_program::resolve(&mut kubeconfig, context.as_deref(), &user_folders::search_path())?;
        Ok(Self::File(Box::new(kubeconfig), context.clone()))
    }

    /// What tells this cluster from others.
    pub(super) fn name(&self) -> String {
        let Self::File(kubeconfig, context) = self else { return "in-cluster".into() };
        let context = context.as_ref().or(kubeconfig.current_context.as_ref());
        let context = kubeconfig.contexts.iter().find(|named| Some(&named.name) == context);
        let cluster = context.and_then(|context| Some(&context.context.as_ref()?.cluster));
        let cluster = kubeconfig.clusters.iter().find(|named| Some(&named.name) == cluster);
        format!(
            "{:?}",
            cluster.and_then(|cluster| {
                let cluster = cluster.cluster.as_ref()?;
                Some((&cluster.server, &cluster.certificate_authority_data, &cluster.certificate_authority))
            })
        )
    }

    /// Whether the kubeconfig itself says that the way is through a proxy.
    fn names_proxy(&self) -> bool {
        let Self::File(kubeconfig, _) = self else { return false };
        let mut clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
        clusters.any(|cluster| cluster.proxy_url.is_some())
    }

    /// How to reach that cluster.
    pub(super) async fn config(&self) -> Result<Config, kube::Error> {
        let mut config = match self {
            Self::InCluster => Config::incluster().map_err(|error| kube::Error::Service(error.into()))?,
            Self::File(kubeconfig, context) => {
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                Config::from_custom_kubeconfig((**kubeconfig).clone(), &options)
                    .await
                    .map_err(|error| kube::Error::Service(error.into()))?
            }
        };
        config.connect_timeout = Some(CONNECT);
        if !self.names_proxy() {
            // Proxies of the environment are for the web.
            config.proxy_url = None;
        }
        // A request that may have been carried out is not just sent again.
        config.default_retry = false;
        Ok(config)
    }

    /// A client for that cluster, whose answers set the clock. It belongs to the runtime that this is called in.
    pub(super) async fn client(&self, clock: &ClusterClock) -> Result<Client, kube::Error> {
        let clock = clock.clone();
        let hear = MapResponseLayer::new(move |response: Response<_>| {
            clock.hear(response.headers());
            response
        });
        Ok(ClientBuilder::try_from(self.config().await?)?.with_layer(&hear).build())
    }
}

/// Whether a value of KUBECONFIG names a file: without one kube reads that of the user's home.
fn names_file(files: &OsStr) -> bool {
    env::split_paths(files).any(|file| !file.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_is_named_by_a_part_that_is_not_empty() {
        for (files, is_named) in [("", false), (":", false), ("::", false), ("a", true), (":a", true), ("/a:/b", true)]
        {
            assert_eq!(names_file(OsStr::new(files)), is_named, "{files}");
        }
    }
}
