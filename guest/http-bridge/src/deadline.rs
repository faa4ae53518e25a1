//! The deadline of one exchange, on the host's monotonic clock. Hosts implement the timeouts of a request too
//! differently.

use crate::error::BridgeError;
use http_bridge_bindings::wasi::{
    clocks::monotonic_clock,
    io::poll::{Pollable, poll},
};

/// A point in time at which every wait fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// The time on the host's clock, in nanoseconds.
    at: u64,
    /// The whole timeout, for the error message.
    timeout_seconds: u64,
}

impl Deadline {
    /// The deadline that is `timeout_ms` milliseconds from now.
    pub(crate) fn after(timeout_ms: u64) -> Self {
        let at = monotonic_clock::now().saturating_add(timeout_ms.saturating_mul(1_000_000));
        Self { at, timeout_seconds: timeout_ms / 1000 }
    }

    /// The earlier of this deadline and the one that is `timeout_ms` milliseconds from now.
    pub(crate) fn or_after(self, timeout_ms: u64) -> Self {
        let other = Self::after(timeout_ms);
        if other.at < self.at { other } else { self }
    }

    /// Waits until one of the pollables is ready. Fails at the deadline.
    pub(crate) fn wait(&self, pollables: &[&Pollable]) -> Result<(), BridgeError> {
        let remaining = self.at.saturating_sub(monotonic_clock::now());
        let timer = monotonic_clock::subscribe_duration(remaining);
        let mut all = pollables.to_vec();
        all.push(&timer);
        let is_timer = |index: &u32| usize::try_from(*index) == Ok(pollables.len());
        // Checked first: a peer that is always ready with a little data must not extend the deadline.
        if remaining == 0 || poll(&all).iter().all(is_timer) {
            return Err(BridgeError::TimedOut { seconds: self.timeout_seconds });
        }
        Ok(())
    }
}
