//! Images that tests build, and registries that have them.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod archive;
pub mod debian;
mod layer;
mod layout;
mod registry;
mod shape;

pub use layer::{Compression, Layer};
pub use layout::{Layout, MediaTypes, blob, config, named};
pub use registry::{Registry, RegistryOptions, push};
pub use shape::Shape;
