//! What the tests share: cases of conformance, the program under test, and its hosts.

pub mod attacks;
pub mod cgroup;
pub mod clock;
pub mod cluster;
pub mod conformance;
pub mod hostile;
pub mod hosts;
pub mod leftovers;
pub mod operator;
pub mod processes;
pub mod program;
pub mod sidecar;
pub mod soak;
