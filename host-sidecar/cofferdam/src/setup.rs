//! Builds a runtime from settings.

use crate::{
    ImageChoice, ImageStore, PullLimits,
    config::{BackendKind, Settings, SettingsError},
};
use cofferdam_core::{Backend, Runtime, os::user_dirs, policy::Policy};
use cofferdam_images::{DEFAULT_IMAGE, Progress, RegistryConfig, Store, UnpackLimits};
use cofferdam_kubernetes::KubernetesBackend;
use cofferdam_local::{LocalBackend, LocalConfig};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

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
        self.runtime_with(self.policy()?)
    }

    /// The same with the policy of these settings.
    pub(crate) fn runtime_with(&self, policy: Policy) -> Result<Runtime, SetupError> {
        let backend = self.backend_of(&policy)?;
        Ok(Runtime::new(policy, backend))
    }

    /// The same for a process that stays: a pool prewarms sandboxes, and there may be sessions, as their settings say.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::runtime`].
    pub fn pooled_runtime(&self) -> Result<Runtime, SetupError> {
        self.pooled_runtime_with(self.policy()?)
    }

    /// The same with the policy of these settings.
    pub(crate) fn pooled_runtime_with(&self, policy: Policy) -> Result<Runtime, SetupError> {
        Ok(self.runtime_with(policy)?.with_pool(&self.pool).with_sessions(self.sessions.clone()))
    }

    /// The settings of the local backend, and the store of its images if it can have any. The default image is that of
    /// languages that name none, if the store has it and no setting names an image or a root file system.
    pub(crate) fn local_with_images(
        &self,
        policy: &Policy,
    ) -> Result<(LocalConfig, Option<ImageStore>), SetupError> {
        let mut config = self.local();
        let has_images = named_images(&config, policy).next().is_some() || self.has_choice_of_images();
        let may_be_default = self.image.is_none() && self.rootfs.is_none();
        // If no image was ever added, a run looks for one file.
        let is_opened =
            has_images || may_be_default && self.image_dir().is_some_and(|dir| Store::exists(&dir));
        let images = is_opened.then(|| self.image_store()).transpose()?;
        if let Some(ImageStore { store, .. }) = images.as_ref().filter(|_| may_be_default)
            && store.images()?.default_image().is_some()
        {
            config.image = Some(DEFAULT_IMAGE.to_owned());
        }
        Ok((config, images))
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
        let limits = UnpackLimits { bytes: self.images.max_image_size.0, ..UnpackLimits::default() };
        let dir = self.image_dir().ok_or(SetupError::NoImageDir)?;
        let store = Store::open(&dir, limits, self.images.max_size.0)?;
        let store = self.images.unpacker.iter().cloned().fold(store, Store::with_unpacker);
        let registries = RegistryConfig {
            mirrors: self.images.mirrors.clone(),
            ca_file: self.images.ca_file.clone(),
            insecure_hosts: self.images.insecure_registries.clone(),
            private_hosts: self.images.private_registries.clone(),
        };
        Ok(ImageStore { store, registries, policy: self.images.pull_policy })
    }

    fn image_dir(&self) -> Option<PathBuf> {
        self.images.dir.clone().or_else(|| Some(user_dirs::cache()?.join("images")))
    }

    /// These images and those that requests choose, which do not take the place of the named ones in the store.
    fn image_choice<'a>(&self, images: ImageStore, named: impl Iterator<Item = &'a String>) -> ImageChoice {
        let limits = PullLimits { all: self.images.max_pulls, tenant: self.images.max_tenant_pulls };
        let images = images.with_choice(limits);
        named.for_each(|name| images.keep(name));
        images
    }

    fn backend_of(&self, policy: &Policy) -> Result<Arc<dyn Backend>, SetupError> {
        Ok(match self.backend_kind() {
            BackendKind::Local => {
                let (config, images) = self.local_with_images(policy)?;
                let local = LocalBackend::new(&config)?;
                Arc::new(match images {
                    Some(images) if self.has_choice_of_images() => {
                        local.with_images(Arc::new(self.image_choice(images, named_images(&config, policy))))
                    }
                    Some(images) => local.with_images(Arc::new(images)),
                    None => local,
                })
            }
            BackendKind::Kubernetes => {
                let longest = self.sessions.max_lifetime_seconds.0;
                Arc::new(KubernetesBackend::new(&self.kubernetes(), policy)?.with_session_lifetime(longest))
            }
        })
    }
}

/// The images that sandboxes have unless a request chooses another one.
fn named_images<'a>(config: &'a LocalConfig, policy: &'a Policy) -> impl Iterator<Item = &'a String> {
    policy.languages.values().filter_map(|language| language.image.as_ref()).chain(&config.image)
}
