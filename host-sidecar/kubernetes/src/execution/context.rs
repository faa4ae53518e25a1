//! What all executions of a backend share.

use super::shared_runner::SharedRunner;
use crate::{
    config::KubernetesConfig,
    connection::LazyCluster,
    manifest::{self, Identity, Source},
};
use cofferdam_core::spec::SandboxSpec;
use cofferdam_types::{Error, ErrorCode};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use std::time::Duration;
use tokio_util::task::TaskTracker;

#[derive(Debug)]
pub(crate) struct BackendContext {
    pub(crate) config: KubernetesConfig,
    /// The ceiling of the wall time.
    pub(crate) max_wall_time: Duration,
    /// The default of the startup timeout.
    pub(crate) startup_timeout: Duration,
    pub(crate) cluster: LazyCluster,
    pub(crate) runner: SharedRunner,
    /// Deletions in the background.
    pub(crate) cleanups: TaskTracker,
}

impl BackendContext {
    /// The Pod of a sandbox, see [`manifest::template`].
    pub(super) fn template(
        &self,
        spec: &SandboxSpec,
        source: Source<'_>,
        identity: &Identity,
    ) -> Result<PodTemplateSpec, Error> {
        manifest::template(&self.config, spec, source, identity).map_err(|error| {
            Error::new(ErrorCode::SandboxUnavailable, "the setting `pod_overlay` cannot be applied")
                .with_detail(error)
        })
    }
}
