//! The memory of a guest.

use wasmtime::{ResourceLimiter, Result};

/// Elements of all tables of a guest. Components of interpreters have several thousand.
const MAX_TABLE_ELEMENTS: usize = 1_000_000;
/// Core instances and tables of a guest: a component composed of several has some of each. Their globals are memory of
/// the host.
const MAX_INSTANCES: usize = 100;
/// Memories of a guest. Each reserves addresses of the host.
const MAX_MEMORIES: usize = 20;
/// Open resources, such as streams and requests. Each may hold texts of the guest in the host's memory.
pub(crate) const MAX_RESOURCES: usize = 1000;
/// Bytes that are copied from a guest in one call: the largest request of the contract has some 18 MiB.
pub(crate) const MAX_COPIED: usize = 32 << 20;

/// Limits the memories of a guest together, and the elements of its tables.
#[derive(Debug)]
pub(crate) struct GuestLimits {
    remaining_memory: usize,
    remaining_elements: usize,
}

impl GuestLimits {
    /// Limits with this number of bytes of memory.
    pub(crate) fn new(memory: u64) -> Self {
        let remaining_memory = usize::try_from(memory).unwrap_or(usize::MAX);
        Self { remaining_memory, remaining_elements: MAX_TABLE_ELEMENTS }
    }
}

impl ResourceLimiter for GuestLimits {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(is_within(desired, maximum) && take(&mut self.remaining_memory, desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(is_within(desired, maximum) && take(&mut self.remaining_elements, desired.saturating_sub(current)))
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

/// Beyond its own maximum, a memory does not grow, so it takes nothing of the limit.
fn is_within(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_none_or(|maximum| desired <= maximum)
}

fn take(remaining: &mut usize, amount: usize) -> bool {
    match remaining.checked_sub(amount) {
        Some(rest) => {
            *remaining = rest;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_share_one_limit() {
        let mut limits = GuestLimits::new(100);
        let mut grows = |current, desired| limits.memory_growing(current, desired, None).expect("an answer");
        assert!(grows(0, 60) && grows(0, 30));
        assert!(!grows(30, 41));
        assert!(grows(30, 40) && !grows(0, 1));
    }

    #[test]
    fn a_memory_that_cannot_grow_takes_nothing() {
        let mut limits = GuestLimits::new(100);
        assert!(!limits.memory_growing(0, 100, Some(50)).expect("an answer"));
        assert!(limits.memory_growing(0, 100, None).expect("an answer"));
    }
}
