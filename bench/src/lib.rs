//! What the measurements share.

pub mod bare;
pub mod figures;
pub mod hop;
pub mod many;
