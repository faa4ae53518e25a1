//! What the measurements share.

pub mod bare;
pub mod figures;
pub mod hop;
pub mod http;
pub mod kubernetes;
pub mod many;
pub mod warm;
