//! OCI images as root file systems of gVisor sandboxes, without root and without a daemon.

mod digest;
mod document;
mod environment;
mod erofs;
mod error;
mod load;
mod platform;
mod reference;
#[cfg(feature = "registry")]
mod registry;
mod store;
mod tree;
mod unpack;
mod unpack_process;

pub use digest::{Digest, DigestWriter};
pub use document::{Descriptor, Document, ImageConfig, Index, Manifest};
pub use error::ImageError;
pub use load::load;
pub use platform::Platform;
pub use reference::Reference;
#[cfg(feature = "registry")]
pub use registry::{Progress, PullPolicy, RegistryConfig, pull, pull_untrusted};
/// The image of sandboxes on a machine that has it, where nothing else is named. The registry of its name is the
/// machine itself, so that no other can have it.
pub const DEFAULT_IMAGE: &str = "localhost/cofferdam-sandbox:latest";

pub use store::{Addition, ImageRecord, Images, Lease, Store, StoredImage};
pub use unpack::{Additions, UnpackLimits, Unpacker};
pub use unpack_process::unpack_if_started_for_it;
