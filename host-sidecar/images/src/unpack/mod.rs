//! Unpacks the layers of an image into its root file system. No entry is created in a file system of this
//! machine: contents go into the image file, and all else is kept in memory until it is written there.

mod additions;
mod decompress;
mod entry;
mod image;
mod layer;
mod limits;
mod path;
mod pax;

pub use additions::Additions;
pub(crate) use entry::Extensions;
pub(crate) use image::{UnpackError, unpack_image};
pub use layer::Unpacker;
pub use limits::UnpackLimits;

#[cfg(test)]
mod tests;
