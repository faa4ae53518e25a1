//! What the tests share: cases of conformance, and the program under test.

pub mod cluster;
pub mod conformance;
pub mod leftovers;
pub mod program;
pub mod sidecar;
