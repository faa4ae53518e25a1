//! Which cluster, and with which credentials.

use super::credential_program;
use crate::{
    api::server_time::ServerTime,
    config::{KubernetesConfig, is_in_cluster},
    error::SetupError,
};
use cofferdam_core::os::{
    regular_file::{self, Links},
    user_dirs,
};
use http::Response;
use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use std::{env, ffi::OsStr, path::Path, time::Duration};
use tower::util::MapResponseLayer;

/// Time limit for a TCP connection to the API server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the address of the cluster and the credentials are.
#[derive(Debug, Clone)]
pub(crate) enum ClusterSource {
    /// In the Pod that this process runs in.
    InCluster,
    /// In a kubeconfig, in this context or else in its current one.
    Kubeconfig(Box<Kubeconfig>, Option<String>),
}

impl ClusterSource {
    /// Finds a kubeconfig or context that is configured, else the cluster that this process runs in, else the
    /// user's own kubeconfig.
    pub(crate) fn find(config: &KubernetesConfig) -> Result<Self, SetupError> {
        let (path, context) = (&config.kubeconfig_path, &config.kubeconfig_context);
        if path.is_none() && context.is_none() && is_in_cluster() {
            return Ok(Self::InCluster);
        }
        let mut kubeconfig = match path {
            Some(path) => read_file(path).map_err(|source| SetupError::KubeconfigPath {
                path: path.clone(),
                source: Box::new(source),
            })?,
            None => read_default().map_err(|source| SetupError::NoKubeconfig { source: Box::new(source) })?,
        };
        check_context(&kubeconfig, context.as_deref())?;
        credential_program::resolve(&mut kubeconfig, context.as_deref(), &user_dirs::search_path())?;
        Ok(Self::Kubeconfig(Box::new(kubeconfig), context.clone()))
    }

    /// A text that no other cluster has.
    pub(crate) fn key(&self) -> String {
        let Self::Kubeconfig(kubeconfig, context) = self else { return "in-cluster".into() };
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

    /// Whether the kubeconfig sets a proxy.
    fn has_proxy(&self) -> bool {
        let Self::Kubeconfig(kubeconfig, _) = self else { return false };
        let mut clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
        clusters.any(|cluster| cluster.proxy_url.is_some())
    }

    /// The configuration of a client.
    pub(crate) async fn client_config(&self) -> Result<Config, kube::Error> {
        let mut config = match self {
            Self::InCluster => Config::incluster().map_err(|error| kube::Error::Service(error.into()))?,
            Self::Kubeconfig(kubeconfig, context) => {
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                Config::from_custom_kubeconfig((**kubeconfig).clone(), &options)
                    .await
                    .map_err(|error| kube::Error::Service(error.into()))?
            }
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        if !self.has_proxy() {
            // The proxies of the environment are for the web.
            config.proxy_url = None;
        }
        // A request that may have been carried out must not be sent again.
        config.default_retry = false;
        Ok(config)
    }

    /// A client whose answers set the clock. It belongs to the current tokio runtime.
    pub(crate) async fn client(&self, server_time: &ServerTime) -> Result<Client, kube::Error> {
        let server_time = server_time.clone();
        let read_date = MapResponseLayer::new(move |response: Response<_>| {
            server_time.update(response.headers());
            response
        });
        Ok(ClientBuilder::try_from(self.client_config().await?)?.with_layer(&read_date).build())
    }
}

fn read_file(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    // kube would block on a FIFO, and read a device for ever.
    regular_file::open(path, Links::Follow)
        .map_err(|source| KubeconfigError::ReadConfig(source, path.to_owned()))?;
    Kubeconfig::read_from(path)
}

/// Reads the files of KUBECONFIG, else the one in the user's home.
fn read_default() -> Result<Kubeconfig, KubeconfigError> {
    let is_named = env::var_os("KUBECONFIG").is_some_and(|files| names_file(&files));
    // Without a home it would be in the working directory, and a kubeconfig may name programs to execute.
    if !is_named && !user_dirs::has_home() {
        return Err(KubeconfigError::FindPath);
    }
    Kubeconfig::read()
}

/// Whether a value of KUBECONFIG names a file. If not, kube reads the one in the user's home.
fn names_file(files: &OsStr) -> bool {
    env::split_paths(files).any(|file| !file.as_os_str().is_empty())
}

fn check_context(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<(), SetupError> {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    match context {
        Some(context) if !names.contains(&context) => {
            Err(SetupError::NoContext { context: context.to_owned(), known: names.join(", ") })
        }
        None if kubeconfig.current_context.as_ref().is_none_or(|current| current.is_empty()) => {
            Err(SetupError::NoCurrentContext { known: names.join(", ") })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_part_that_is_not_empty_names_a_kubeconfig() {
        for (files, is_named) in
            [("", false), (":", false), ("::", false), ("a", true), (":a", true), ("/a:/b", true)]
        {
            assert_eq!(names_file(OsStr::new(files)), is_named, "{files}");
        }
    }
}
