//! The options that choose a backend.

use crate::config::{BackendChoice, Overrides};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The backend and its cluster.
#[derive(Debug, clap::Args, Serialize)]
pub(in crate::cli) struct BackendArgs {
    /// The configuration file [default: ./cofferdam.toml over the user's over /etc/cofferdam/cofferdam.toml]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// The backend that creates sandboxes [default: auto]
    #[arg(long, value_name = "BACKEND")]
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<BackendChoice>,
    /// The kubeconfig of the cluster [default: inside a cluster that one, else KUBECONFIG or ~/.kube/config]
    #[arg(long = "kubeconfig", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig_path: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long = "context", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig_context: Option<String>,
    /// The namespace of the cluster [default: default]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

impl BackendArgs {
    /// Whether the command line has one of these options.
    pub(in crate::cli) fn is_given(&self) -> bool {
        let Self { config, backend, kubeconfig_path, kubeconfig_context, namespace } = self;
        config.is_some()
            || backend.is_some()
            || kubeconfig_path.is_some()
            || kubeconfig_context.is_some()
            || namespace.is_some()
    }
}

impl Overrides for BackendArgs {
    fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}
