//! Conformance cases: each is a folder, executed through the component and compared with its expectations.

mod case;
mod compare;
mod driver;
mod hosts;
mod native;
mod outcome;
mod request;
mod suite;

pub(crate) use case::case_folders;
pub use case::{Case, Failure, TestCase};
pub(crate) use compare::{contains, equal, same_bytes};
pub use compare::{result, run, run_unsandboxed};
pub use driver::{Driver, InRoot, Library, Warm};
pub use hosts::{
    CallerHost, Cli, HOSTS, Host, HttpHost, LARGE_HOSTS, Remote, SharedSidecar, SidecarUrl, python,
};
pub use outcome::{ContractError, Outcome};
pub use suite::{Failures, Selection, run_suite};
