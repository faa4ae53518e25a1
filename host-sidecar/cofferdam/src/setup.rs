//! Builds a runtime from settings.

use crate::config::{BackendKind, Settings, SettingsError};
use cofferdam_core::{Backend, Runtime, policy::Policy};
use cofferdam_kubernetes::KubernetesBackend;
use cofferdam_local::LocalBackend;
use std::sync::Arc;

/// Why a runtime cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting is invalid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// This machine lacks what the local backend needs.
    #[error(transparent)]
    Local(#[from] cofferdam_local::SetupError),
    /// There is no connection to the cluster, or not with these settings.
    #[error(transparent)]
    Kubernetes(#[from] cofferdam_kubernetes::SetupError),
}

impl Settings {
    /// A runtime with the backend that the settings choose.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for an invalid setting or a machine that lacks something.
    pub fn runtime(&self) -> Result<Runtime, SetupError> {
        let policy = self.policy()?;
        let backend = self.backend_of(&policy)?;
        Ok(Runtime::new(policy, backend))
    }

    /// The same for a process that stays: a pool prewarms sandboxes, as the settings of the pool say.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::runtime`].
    pub fn pooled_runtime(&self) -> Result<Runtime, SetupError> {
        Ok(self.runtime()?.with_pool(&self.pool))
    }

    fn backend_of(&self, policy: &Policy) -> Result<Arc<dyn Backend>, SetupError> {
        Ok(match self.backend_kind() {
            BackendKind::Local => Arc::new(LocalBackend::new(&self.local())?),
            BackendKind::Kubernetes => Arc::new(KubernetesBackend::new(&self.kubernetes(), policy)?),
        })
    }
}
