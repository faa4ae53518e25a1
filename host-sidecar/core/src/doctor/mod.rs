//! What the backends' own checks (`cofferdam doctor`) share: findings, and a program that examines its sandbox from the inside.

pub mod finding;
pub mod probe;
pub mod probe_result;
pub mod target;

pub use finding::{Finding, Findings, Verdict};

use tokio_util::sync::CancellationToken;

/// The check that executes a program.
pub const RUN: &str = "run";

/// Whether a program is executed too.
#[derive(Debug, Clone, Copy)]
pub struct ProbeOptions<'a> {
    /// The operator allows it.
    pub is_wanted: bool,
    /// Set when the operator interrupts the checks.
    pub cancelled: &'a CancellationToken,
}

impl ProbeOptions<'_> {
    /// Why no program is executed, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        if self.cancelled.is_cancelled() {
            return Some("you interrupted it");
        }
        (!self.is_wanted).then_some("--no-probe")
    }
}
