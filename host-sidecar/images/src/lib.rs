//! OCI images as root file systems of gVisor sandboxes, without root and without a daemon.

mod digest;
mod document;
mod erofs;
mod error;
mod platform;
mod reference;
mod tree;
mod unpack;

pub use digest::{Digest, DigestWriter};
pub use document::{Descriptor, Document, ImageConfig, Index, Manifest};
pub use error::ImageError;
pub use platform::Platform;
pub use reference::Reference;
pub use unpack::{Additions, UnpackLimits, Unpacker};
