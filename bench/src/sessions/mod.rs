//! Sessions of `cofferdam serve` over HTTP, beside bare `runsc exec` and gVisor's own Python package.

mod bare;
mod cluster;
mod inside;
mod kept;
mod many;
mod memory;
mod package;
mod session;
mod sidecar;
mod single;
mod turns;

pub use cluster::{BothWays, Cluster, ClusterSpeed};
pub use many::{AtOnce, at_once};
pub use memory::{Growth, growth};
pub use single::{Commands, Creation, Transfers, commands, creation, transfers};

/// Bytes of the file that is written and read.
pub const FILE_SIZE: usize = 64 << 20;
/// The same in MB.
pub const FILE_MEGABYTES: f64 = 67.108_864;
