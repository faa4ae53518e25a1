//! Invariants for the fuzz targets: each function panics if its input violates one.

pub use crate::config::check_settings as settings;
pub use cofferdam_kubernetes::{events, overlay, pods};
pub use cofferdam_server::{archive, message, parts, request};
