//! The parts of `cofferdam doctor` that all backends share: findings, and a program that probes its sandbox
//! from the inside.

pub mod finding;
pub mod probe;
pub mod probe_result;
pub mod target;

pub use finding::{Finding, Findings, Verdict};

use tokio_util::sync::CancellationToken;

/// The name of the check that executes the probe.
pub const RUN: &str = "run";

/// Whether to execute the probe.
#[derive(Debug, Clone, Copy)]
pub struct ProbeOptions<'a> {
    /// Whether the operator allows it.
    pub is_enabled: bool,
    /// Set when the operator interrupts the checks.
    pub cancelled: &'a CancellationToken,
}

impl ProbeOptions<'_> {
    /// Why the probe is skipped; none if it is executed.
    #[must_use]
    pub fn skip_reason(&self) -> Option<&'static str> {
        if self.cancelled.is_cancelled() {
            return Some("interrupted");
        }
        (!self.is_enabled).then_some("--no-probe")
    }
}
