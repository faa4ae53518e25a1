//! The memory of a guest.

use wasmtime::{ResourceLimiter, Result};

/// Elements of all tables of a guest. Components of interpreters have several thousand.
const MAX_TABLE_ELEMENTS: usize = 1_000_000;
/// Core instances, memories and tables of a guest: a component composed of several has one of each for each.
const MAX_ITEMS: usize = 1000;
/// Open resources, such as streams and requests.
pub(crate) const MAX_RESOURCES: usize = 10_000;

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
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(take(&mut self.remaining_memory, desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(take(&mut self.remaining_elements, desired.saturating_sub(current)))
    }

    fn instances(&self) -> usize {
        MAX_ITEMS
    }

    fn tables(&self) -> usize {
        MAX_ITEMS
    }

    fn memories(&self) -> usize {
        MAX_ITEMS
    }
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
}
