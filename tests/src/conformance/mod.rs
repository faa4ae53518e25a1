//! Cases of conformance: a folder each, run through the component and compared with what they promise.

mod case;
mod compare;
mod native;
mod request;

pub use case::{Case, Failure};
pub use compare::run;
