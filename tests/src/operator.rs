//! What the operator of this process's sidecars is told.

use std::io;
use tracing::Level;

/// Tells warnings on stderr: a refusal names its cause nowhere else.
pub fn show_warnings() {
    tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(io::stderr).init();
}
