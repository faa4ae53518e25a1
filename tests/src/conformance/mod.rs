//! Cases: a folder each, run through the component and compared with what they promise.

mod case;
mod compare;
mod hosts;
mod native;
mod outcome;
mod request;
mod suite;
mod way;

pub use case::{Case, Failure};
pub use compare::{run, run_unwalled};
pub use hosts::{Cli, Python, Served};
pub use outcome::{Outcome, Refusal};
pub use suite::{Failures, Turn, try_all};
pub use way::{Library, Warm, Way};
