//! What must hold of any input, each as a function that panics where it does not: for the fuzz targets.

pub use crate::config::hold_settings as settings;
pub use cofferdam_kubernetes::{events, overlay, pods};
pub use cofferdam_server::{message, request};
