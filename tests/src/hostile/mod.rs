//! The targets of hostile programs: resources of this machine, and another run.

mod host;
mod neighbour;
mod secret_check;

pub use host::{Cluster, Host, SECRET_VARIABLE};
pub use neighbour::Neighbour;
pub use secret_check::SecretCheck;

use crate::conformance::Case;

/// A module that the programs import.
const ATTEMPTS: &str = include_str!("attempts.py");

/// The case, with modules that describe its target as additional input files.
#[must_use]
pub fn with_target(case: Case, host: &Host) -> Case {
    case.with_file("attempts.py", ATTEMPTS).with_file("host.py", &host.module())
}
