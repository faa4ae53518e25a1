//! Logging of the sidecars that run inside the test process.

use std::io;
use tracing::Level;

/// Writes warnings to stderr. The cause of a refused request appears only there.
pub fn show_warnings() {
    tracing_subscriber::fmt().with_max_level(Level::WARN).with_writer(io::stderr).init();
}
