//! Where sandboxes get images from.

use cofferdam_core::{BoxFuture, policy::AllowedImages};
use cofferdam_types::{Error, ErrorCode};
use std::{any::Any, fmt, path::PathBuf, sync::Arc};

/// Finds images by their names. The crate `cofferdam-images` has one; another may have its own.
pub trait Images: fmt::Debug + Send + Sync {
    /// Finds an image. Blocks.
    ///
    /// # Errors
    ///
    /// Why there is none, for the caller.
    fn find(&self, name: &str) -> Result<Image, Error>;

    /// Gets an image that a request has chosen, unless it is there. By default none is got. If the caller drops the
    /// future, the pull goes on.
    ///
    /// # Errors
    ///
    /// Why the image cannot be had, for the caller.
    fn pull(&self, _chosen: ChosenImage) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// An image that a request has chosen. Its author is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenImage {
    /// Its name.
    pub name: String,
    /// The images that the request might have chosen. It may profit from no other.
    pub allowed: Arc<AllowedImages>,
    /// The tenant; none if there is only one.
    pub tenant: Option<Arc<str>>,
}

/// The root file system of an image.
pub struct Image {
    /// Its name with its digest: the same name is the same image.
    pub name: String,
    /// The absolute path, without links, of an EROFS file: uncompressed, without extended attributes, with
    /// the folders on which sandboxes mount others.
    pub root: PathBuf,
    /// Its variables.
    pub env: Vec<(String, String)>,
    /// Keeps the file while a sandbox uses it.
    pub lease: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// Finds the image of this name.
pub(crate) fn find(images: Option<&Arc<dyn Images>>, name: &str) -> Result<Image, Error> {
    match images {
        Some(images) => images.find(name),
        None => {
            let message = "this sidecar has no store of images for sandboxes on its machine; name no image";
            Err(Error::new(ErrorCode::ImageUnavailable, message))
        }
    }
}
