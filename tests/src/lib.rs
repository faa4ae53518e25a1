//! The test harness: conformance cases, the program under test, its hosts and a test cluster.

pub mod attacks;
pub mod cgroup;
pub mod clock;
pub mod cluster;
pub mod conformance;
pub mod default_image;
pub mod hostile;
pub mod hosts;
pub mod images;
pub mod leaks;
pub mod logging;
pub mod processes;
pub mod program;
pub mod sessions;
pub mod sidecar;
pub mod soak;
