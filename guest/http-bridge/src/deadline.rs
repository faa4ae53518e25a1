//! The end of one exchange, by the host's clock: what hosts make of the timeouts of a request differs too much.

use crate::failure::Failure;
use http_bridge_bindings::wasi::{
    clocks::monotonic_clock,
    io::poll::{Pollable, poll},
};

/// A moment that no wait goes beyond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// By the host's clock, in nanoseconds.
    at: u64,
    /// How much time there was.
    seconds: u64,
}

impl Deadline {
    /// So many milliseconds from now.
    pub(crate) fn after(milliseconds: u64) -> Self {
        let at = monotonic_clock::now().saturating_add(milliseconds.saturating_mul(1_000_000));
        Self { at, seconds: milliseconds / 1000 }
    }

    /// This one, or so many milliseconds from now if that is earlier.
    pub(crate) fn or_after(self, milliseconds: u64) -> Self {
        let other = Self::after(milliseconds);
        if other.at < self.at { other } else { self }
    }

    /// Waits until one of these is ready, or fails at the deadline.
    pub(crate) fn wait(&self, any: &[&Pollable]) -> Result<(), Failure> {
        let left = self.at.saturating_sub(monotonic_clock::now());
        let end = monotonic_clock::subscribe_duration(left);
        let mut all = any.to_vec();
        all.push(&end);
        let over = |ready: &u32| usize::try_from(*ready) == Ok(any.len());
        // Who is always ready a little must not put it off for ever.
        if left == 0 || poll(&all).iter().all(over) { Err(Failure::Silence { seconds: self.seconds }) } else { Ok(()) }
    }
}
