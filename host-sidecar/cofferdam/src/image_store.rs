//! The store of images as what sandboxes on this machine get their images from. No execution waits for the registry of
//! an image that the operator names.

mod pulls;

use cofferdam_core::BoxFuture;
use cofferdam_images::{
    ImageError, Lease, Platform, Progress, PullPolicy, Reference, RegistryConfig, Store, StoredImage, pull,
    pull_untrusted,
};
use cofferdam_local::{ChosenImage, Image, Images};
use cofferdam_types::{Error, ErrorCode, quoted};
pub use pulls::PullLimits;
use pulls::Pulls;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::task::spawn_blocking;

/// Finds images in a store, and pulls those that are required.
#[derive(Debug, Clone)]
pub struct ImageStore {
    /// The store.
    pub store: Store,
    /// How registries are reached.
    pub registries: RegistryConfig,
    /// When an image is pulled.
    pub policy: PullPolicy,
}

impl ImageStore {
    /// Pulls an image, if it has to be. Blocks.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or the image cannot be pulled.
    pub fn require(&self, reference: &Reference, progress: &dyn Fn(Progress)) -> Result<(), ImageError> {
        if self.is_required(reference)? {
            pull(&self.store, &self.registries, reference, progress)
        } else {
            Ok(())
        }
    }

    fn is_required(&self, reference: &Reference) -> Result<bool, ImageError> {
        let is_present = self.store.images()?.find(reference).is_some();
        Ok(match self.policy {
            PullPolicy::Always => !is_present || reference.digest().is_none(),
            PullPolicy::IfNotPresent => !is_present,
            PullPolicy::Never => false,
        })
    }

    /// The same images, and also those that requests choose.
    #[must_use]
    pub fn with_choice(self, limits: PullLimits) -> ImageChoice {
        ImageChoice { images: self, pulls: Pulls::new(limits), kept: Arc::default() }
    }
}

impl Images for ImageStore {
    fn find(&self, name: &str) -> Result<Image, Error> {
        let reference = parse(name)?;
        let found = self.store.find(&reference);
        let StoredImage { name, root, env, lease } = found.map_err(|error| explain(&reference, &error))?;
        Ok(Image { name, root, env: env.into_iter().collect(), lease: Box::new(lease) })
    }
}

/// An [`ImageStore`] that also pulls images that requests have chosen.
#[derive(Debug, Clone)]
pub struct ImageChoice {
    images: ImageStore,
    pulls: Pulls,
    /// The images that the operator names, each with what its name stands for; none if it is not there yet. Those that
    /// requests choose do not take their place in the store.
    kept: Arc<Mutex<KeptImages>>,
}

type KeptImages = BTreeMap<String, Option<(String, Lease)>>;

impl ImageChoice {
    /// Keeps an image that the operator names in the store, from when it is there until this is dropped or the name
    /// stands for another one. Blocks.
    pub fn keep(&self, name: &str) {
        // What is wrong with it, the execution that needs it says.
        let found = parse(name).ok().and_then(|reference| self.images.store.find(&reference).ok());
        self.kept().insert(name.to_owned(), found.map(|image| (image.name, image.lease)));
    }

    fn kept(&self) -> MutexGuard<'_, KeptImages> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Images for ImageChoice {
    fn find(&self, name: &str) -> Result<Image, Error> {
        // One that a request has chosen may have been removed since it was pulled.
        let is_pulled_again = || self.images.policy != PullPolicy::Never && !self.kept().contains_key(name);
        let found = self.images.find(name);
        let found =
            found.map_err(|error| Error { retryable: error.retryable || is_pulled_again(), ..error })?;
        let is_other =
            |kept: &Option<(String, Lease)>| kept.as_ref().is_none_or(|(kept, _)| *kept != found.name);
        let is_moved = self.kept().get(name).is_some_and(is_other);
        if is_moved {
            self.keep(name);
        }
        Ok(found)
    }

    fn pull(&self, chosen: ChosenImage) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let reference = parse(&chosen.name)?;
            let (images, wanted) = (self.images.clone(), reference.clone());
            let is_required = spawn_blocking(move || images.is_required(&wanted)).await;
            let is_required =
                is_required.map_err(|error| Error::internal("the image was not looked for", error))?;
            if !is_required.map_err(|error| explain(&reference, &error))? {
                return Ok(());
            }
            let (images, wanted, allowed) = (self.images.clone(), reference.clone(), chosen.allowed.clone());
            let pull = move || {
                let may_share = |name: &Reference| allowed.matches(name.image_name());
                let pulled = pull_untrusted(&images.store, &images.registries, &wanted, &may_share);
                pulled.map_err(|error| explain(&wanted, &error))
            };
            self.pulls.pull(reference, chosen, pull).await
        })
    }
}

fn parse(name: &str) -> Result<Reference, Error> {
    name.parse().map_err(|error: ImageError| Error::new(ErrorCode::InvalidRequest, error.to_string()))
}

/// What the caller reads of an error. All else is for the operator.
fn explain(reference: &Reference, error: &ImageError) -> Error {
    let name = quoted(&reference.to_string());
    let explained = |message| Error::new(ErrorCode::ImageUnavailable, message);
    match error {
        ImageError::NotFound(_) => explained(format!(
            "the image {name} is not in the store of this machine; add it with `cofferdam image pull` or `load`"
        )),
        ImageError::NoSuchImage(_) => {
            explained(format!("the image {name} cannot be pulled: its registry has no such image"))
        }
        ImageError::ForeignPlatform { .. } => {
            explained(format!("the image {name} is not for {}", Platform::of_machine()))
        }
        _ => {
            let error_for_caller =
                explained(format!("the image {name} cannot be used; the operator's log says why"))
                    .with_detail(error.to_string());
            let code = match error {
                ImageError::StoreFull { .. } => ErrorCode::Quota,
                _ => error_for_caller.code,
            };
            Error { retryable: is_temporary(error), code, ..error_for_caller }
        }
    }
}

fn is_temporary(error: &ImageError) -> bool {
    match error {
        ImageError::Pull { is_temporary, .. } => *is_temporary,
        ImageError::Io { .. }
        | ImageError::NoSpace { .. }
        | ImageError::StoreFull { .. }
        | ImageError::LostPart(_) => true,
        _ => false,
    }
}
