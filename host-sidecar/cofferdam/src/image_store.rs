//! The store of images as what sandboxes on this machine get their images from. No execution waits for a registry.

use cofferdam_images::{
    ImageError, Platform, Progress, PullPolicy, Reference, RegistryConfig, Store, StoredImage, pull,
};
use cofferdam_local::{Image, Images};
use cofferdam_types::{Error, ErrorCode, quoted};

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
        let is_present = self.store.images()?.find(reference).is_some();
        let is_pulled = match self.policy {
            PullPolicy::Always => !is_present || reference.digest().is_none(),
            PullPolicy::IfNotPresent => !is_present,
            PullPolicy::Never => false,
        };
        if is_pulled { pull(&self.store, &self.registries, reference, progress) } else { Ok(()) }
    }
}

impl Images for ImageStore {
    fn find(&self, name: &str) -> Result<Image, Error> {
        let reference: Reference = name
            .parse()
            .map_err(|error: ImageError| Error::new(ErrorCode::InvalidRequest, error.to_string()))?;
        let found = self.store.find(&reference);
        let StoredImage { name, root, env, lease } = found.map_err(|error| explain(&reference, &error))?;
        Ok(Image { name, root, env: env.into_iter().collect(), lease: Box::new(lease) })
    }
}

/// What the caller reads of an error. All else is for the operator.
fn explain(reference: &Reference, error: &ImageError) -> Error {
    let name = quoted(&reference.to_string());
    let explained = |message| Error::new(ErrorCode::ImageUnavailable, message);
    match error {
        ImageError::NotFound(_) => explained(format!(
            "the image {name} is not in the store of this machine; add it with `cofferdam image pull` or `load`"
        )),
        ImageError::ForeignPlatform { .. } => {
            explained(format!("the image {name} is not for {}", Platform::of_machine()))
        }
        _ => explained(format!("the image {name} cannot be used; the operator's log says why"))
            .with_detail(error.to_string()),
    }
}
