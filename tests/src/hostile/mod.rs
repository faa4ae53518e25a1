//! What hostile programs are set upon: the machine's own things, and a run beside theirs.

mod host;
mod neighbour;
mod watched;

pub use host::{Cluster, Host, SECRET_VARIABLE};
pub use neighbour::Neighbour;
pub use watched::Watched;

use crate::conformance::Case;

/// What programs share.
const ATTEMPTS: &str = include_str!("attempts.py");

/// The case with what its program needs to know of its target.
#[must_use]
pub fn set_upon(case: Case, host: &Host) -> Case {
    case.with_file("attempts.py", ATTEMPTS).with_file("host.py", &host.module())
}
