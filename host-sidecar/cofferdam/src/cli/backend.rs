//! The options that choose where sandboxes come from; every command that deals with sandboxes has them.

use crate::config::{BackendChoice, Overrides};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Which backend, and how to reach it.
#[derive(Debug, clap::Args, Serialize)]
pub(super) struct BackendArgs {
    /// The configuration file. [default: ./cofferdam.toml over the user's over /etc/cofferdam/cofferdam.toml]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Where sandboxes come from [default: auto]
    #[arg(long, value_name = "BACKEND")]
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<BackendChoice>,
    /// How to reach the cluster [default: in a cluster that one, else KUBECONFIG or ~/.kube/config]
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
    /// Whether any of them was given.
    pub(super) fn is_given(&self) -> bool {
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
