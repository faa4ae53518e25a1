//! What the measurements share.

pub mod bare;
pub mod figures;
pub mod hop;
pub mod http;
pub mod imports;
pub mod interactive;
pub mod kubernetes;
pub mod machine;
pub mod many;
pub mod report;
pub mod warm;
