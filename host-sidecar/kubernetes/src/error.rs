//! The errors of this crate's interface.

use crate::api::RequestError;
use cofferdam_types::quoted;
use std::path::PathBuf;

/// Why no backend can be made of the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configured kubeconfig cannot be used.
    #[error("the setting `kubeconfig_path` names {}, which cannot be used: {source}", path.display())]
    KubeconfigPath {
        /// Its path.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No kubeconfig is configured, and the user's own cannot be used.
    #[error(
        "there is no cluster to use: this is not a Pod of one, and your own kubeconfig cannot be used ({source}); name \
         one with --kubeconfig, or use `--backend local`"
    )]
    NoKubeconfig {
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The kubeconfig does not have the configured context.
    #[error(
        "the setting `kubeconfig_context` names {context:?}, which the kubeconfig does not have; it has: {known}"
    )]
    NoContext {
        /// The configured context.
        context: String,
        /// The contexts of the kubeconfig.
        known: String,
    },
    /// No context is configured, and the kubeconfig has no current one.
    #[error("the kubeconfig has no current context; name one with --context; it has: {known}")]
    NoCurrentContext {
        /// The contexts of the kubeconfig.
        known: String,
    },
    /// The program that fetches credentials is not installed.
    #[error(
        "the kubeconfig names the program {} for its credentials, which no folder of PATH has; install it, or name its \
         path in the kubeconfig",
        quoted(program)
    )]
    NoCredentialProgram {
        /// The program.
        program: String,
    },
    /// The overlay is malformed, or would weaken the sandbox.
    #[error("the setting `pod_overlay` cannot be used: {0}")]
    Overlay(String),
}

/// Why garbage could not be collected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GarbageError {
    /// The settings lead to no cluster.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A request to the cluster failed.
    #[error("objects of earlier executions could not be deleted: {0}")]
    Request(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl From<RequestError> for GarbageError {
    fn from(error: RequestError) -> Self {
        Self::Request(error.into())
    }
}
