//! The end of one exchange, by the host's clock: what hosts make of the timeouts of a request differs too much.

use crate::failure::Failure;
use http_bridge_bindings::wasi::{
    clocks::monotonic_clock,
    io::poll::{Pollable, poll},
};

/// A moment that no wait goes beyond.
pub(crate) struct Deadline {
    end: Pollable,
    seconds: u64,
}

impl Deadline {
    /// So many milliseconds from now.
    pub(crate) fn after(milliseconds: u64) -> Self {
        let end = monotonic_clock::subscribe_duration(milliseconds.saturating_mul(1_000_000));
        Self { end, seconds: milliseconds / 1000 }
    }

    /// Waits until one of these is ready, or fails at the deadline.
    pub(crate) fn wait(&self, any: &[&Pollable]) -> Result<(), Failure> {
        let mut all = any.to_vec();
        all.push(&self.end);
        let over = |ready: &u32| usize::try_from(*ready) == Ok(any.len());
        if poll(&all).iter().all(over) { Err(Failure::Silence { seconds: self.seconds }) } else { Ok(()) }
    }
}
