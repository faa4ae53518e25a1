//! Builds the runtime that the settings describe.

use crate::config::{BackendKind, Settings, SettingsError};
use cofferdam_core::{
    Backend, Runtime,
    policy::{Policy, Profile},
    pool::Pool,
};
use cofferdam_kubernetes::KubernetesBackend;
use cofferdam_local::LocalBackend;
use cofferdam_types::Request;
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
    /// The cluster cannot be used with these settings.
    #[error(transparent)]
    Kubernetes(#[from] cofferdam_kubernetes::SetupError),
}

impl Settings {
    /// Builds a runtime with the backend that the settings choose.
    ///
    /// # Errors
    ///
    /// [`SetupError`] for an invalid setting, or if the backend cannot be used.
    pub fn runtime(&self) -> Result<Runtime, SetupError> {
        let policy = self.policy()?;
        let backend = self.backend_without_pool(&policy)?;
        Ok(Runtime::with_backend(policy, backend))
    }

    /// Builds the same for a server: a pool prewarms sandboxes, according to the settings `pool`.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::runtime`].
    pub fn pooled_runtime(&self) -> Result<Runtime, SetupError> {
        let policy = self.policy()?;
        let default_plan = policy.plan(Request { code: "#".into(), ..Request::default() }).ok();
        let Some(plan) = default_plan.filter(|_| self.pool.maximum() > 0) else {
            let backend = self.backend_without_pool(&policy)?;
            return Ok(Runtime::with_backend(policy, backend));
        };
        let profile = Profile::of(&plan);
        let backend: Arc<dyn Backend> = match self.backend_kind() {
            BackendKind::Local => Arc::new(Pool::new(LocalBackend::new(&self.local())?, &self.pool, profile)),
            BackendKind::Kubernetes => {
                let backend = KubernetesBackend::new(&self.kubernetes(), &policy)?;
                Arc::new(Pool::new(backend, &self.pool, profile))
            }
        };
        Ok(Runtime::with_backend(policy, backend))
    }

    fn backend_without_pool(&self, policy: &Policy) -> Result<Arc<dyn Backend>, SetupError> {
        Ok(match self.backend_kind() {
            BackendKind::Local => Arc::new(LocalBackend::new(&self.local())?),
            BackendKind::Kubernetes => Arc::new(KubernetesBackend::new(&self.kubernetes(), policy)?),
        })
    }
}
