//! The measurements and their statistics.

pub mod bare;
pub mod concurrency;
pub mod hop;
pub mod hosts;
pub mod http;
pub mod image;
pub mod imports;
pub mod interactive;
pub mod kubernetes;
pub mod machine;
pub mod report;
pub mod samples;
pub mod sessions;
pub mod warm;
