//! Builds a runtime from settings.

use crate::{
    ImageStore,
    config::{BackendKind, Settings, SettingsError},
};
use cofferdam_core::{Backend, Runtime, os::user_dirs, policy::Policy};
use cofferdam_images::{Progress, RegistryConfig, Store, UnpackLimits};
use cofferdam_kubernetes::KubernetesBackend;
use cofferdam_local::{Images, LocalBackend};
use std::{collections::BTreeSet, sync::Arc};

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
    /// The store of images cannot be used.
    #[error(transparent)]
    Images(#[from] cofferdam_images::ImageError),
    /// There is no folder for the store of images.
    #[error("the user has no home directory for the store of images; set `images.dir`")]
    NoImageDir,
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

    /// Where the images come from that languages name, if any does.
    pub(crate) fn local_images(&self, policy: &Policy) -> Result<Option<Arc<dyn Images>>, SetupError> {
        if policy.languages.values().all(|language| language.image.is_none()) {
            return Ok(None);
        }
        Ok(Some(Arc::new(self.image_store()?)))
    }

    /// Pulls those of these images that have to be, for sandboxes on this machine. Blocks. An execution pulls
    /// none: a slow registry would delay others.
    ///
    /// # Errors
    ///
    /// The store cannot be used, or an image cannot be pulled.
    pub fn pull_images(
        &self,
        images: &BTreeSet<&str>,
        progress: &dyn Fn(Progress),
    ) -> Result<(), SetupError> {
        if images.is_empty() || self.backend_kind() != BackendKind::Local {
            return Ok(());
        }
        let store = self.image_store()?;
        for image in images {
            store.require(&image.parse()?, progress)?;
        }
        Ok(())
    }

    /// This program unpacks images in a process of its own. Its `main` must begin with
    /// [`unpack_if_started_for_it`](cofferdam_images::unpack_if_started_for_it).
    #[must_use]
    pub fn with_own_unpacker(mut self) -> Self {
        // The path stays right if the file of the program is replaced.
        self.images.unpacker = Some("/proc/self/exe".into());
        self
    }

    /// The store of images on this machine.
    ///
    /// # Errors
    ///
    /// Its folder cannot be used.
    pub fn image_store(&self) -> Result<ImageStore, SetupError> {
        let dir = self.images.dir.clone().or_else(|| Some(user_dirs::cache()?.join("images")));
        let limits = UnpackLimits { bytes: self.images.max_image_size.0, ..UnpackLimits::default() };
        let store = Store::open(&dir.ok_or(SetupError::NoImageDir)?, limits, self.images.max_size.0)?;
        let store = self.images.unpacker.iter().cloned().fold(store, Store::with_unpacker);
        let registries = RegistryConfig {
            mirrors: self.images.mirrors.clone(),
            ca_file: self.images.ca_file.clone(),
            insecure_hosts: self.images.insecure_registries.clone(),
        };
        Ok(ImageStore { store, registries, policy: self.images.pull_policy })
    }

    fn backend_of(&self, policy: &Policy) -> Result<Arc<dyn Backend>, SetupError> {
        Ok(match self.backend_kind() {
            BackendKind::Local => {
                let local = LocalBackend::new(&self.local())?;
                Arc::new(self.local_images(policy)?.into_iter().fold(local, LocalBackend::with_images))
            }
            BackendKind::Kubernetes => Arc::new(KubernetesBackend::new(&self.kubernetes(), policy)?),
        })
    }
}
