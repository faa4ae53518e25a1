//! Memory budgets, of all tenants together and of each. The memory of a request is charged from the first
//! byte of its body to the end of its execution; the memory of an outcome from before the program starts.

use crate::{api_error::overloaded, config::ServeConfig};
use cofferdam_types::Error;
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Bytes per permit of a semaphore.
const UNIT: u64 = 1024;

/// The memory budget of one tenant, within the budget that all tenants share.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    shared: Arc<Semaphore>,
    own: Arc<Semaphore>,
    /// The largest charge that [`MemoryBudget::acquire`] waits for.
    largest: u64,
}

/// Charged memory. Dropping it returns the memory to the budget.
#[derive(Debug)]
pub(crate) struct MemoryCharge {
    permits: [OwnedSemaphorePermit; 2],
}

impl MemoryBudget {
    /// Splits the memory for request bodies among `count` tenants.
    pub(crate) fn for_bodies(count: usize, config: &ServeConfig) -> impl Iterator<Item = Self> {
        Self::split(count, config.body_memory.0, config.body_limit.0)
    }

    /// Splits `bytes` among `count` tenants. One of several gets at most half, but always enough for a charge
    /// of `largest` bytes.
    pub(crate) fn split(count: usize, bytes: u64, largest: u64) -> impl Iterator<Item = Self> {
        let parts = if count > 1 { 2 } else { 1 };
        let own = (bytes / parts).max(largest);
        let whole = bytes.max(own.saturating_mul(parts));
        let semaphore =
            |bytes| Arc::new(Semaphore::new(usize::try_from(units(bytes)).unwrap_or(Semaphore::MAX_PERMITS)));
        let shared = semaphore(whole);
        (0..count).map(move |_| Self { shared: shared.clone(), own: semaphore(own), largest })
    }

    /// Charges memory when it is available, first to the tenant: requests of one tenant do not delay those of
    /// others.
    pub(crate) async fn acquire(&self, bytes: u64) -> Result<MemoryCharge, AcquireError> {
        // A larger charge would wait for ever.
        let units = units(bytes.min(self.largest));
        let own = self.own.clone().acquire_many_owned(units).await?;
        Ok(MemoryCharge { permits: [own, self.shared.clone().acquire_many_owned(units).await?] })
    }

    /// Charges memory, or fails at once.
    pub(crate) fn try_charge(&self, bytes: u64) -> Result<MemoryCharge, Error> {
        let acquire = |semaphore: &Arc<Semaphore>| semaphore.clone().try_acquire_many_owned(units(bytes));
        match (acquire(&self.own), acquire(&self.shared)) {
            (Ok(own), Ok(shared)) => Ok(MemoryCharge { permits: [own, shared] }),
            (Err(_), _) => Err(overloaded(
                "your requests have reached their memory limit (serve.body_memory); retry when some have ended",
            )),
            (_, Err(_)) => Err(overloaded(
                "all requests together have reached their memory limit (serve.body_memory); retry later",
            )),
        }
    }
}

impl MemoryCharge {
    /// The charged bytes, rounded up to whole units.
    pub(crate) fn bytes(&self) -> u64 {
        self.permits.first().map_or(0, |permit| permit.num_permits() as u64 * UNIT)
    }

    /// Returns all but `bytes` to the budget.
    pub(crate) fn shrink_to(&mut self, bytes: u64) {
        let units = usize::try_from(units(bytes)).unwrap_or(usize::MAX);
        for permit in &mut self.permits {
            drop(permit.split(permit.num_permits().saturating_sub(units)));
        }
    }

    /// Charges more, up to `bytes` in total, or fails at once.
    pub(crate) fn grow_to(&mut self, bytes: u64, budget: &MemoryBudget) -> Result<(), Error> {
        if let Some(more) = bytes.checked_sub(self.bytes()).filter(|more| *more > 0) {
            let more = budget.try_charge(more)?.permits;
            self.permits.iter_mut().zip(more).for_each(|(permit, more)| permit.merge(more));
        }
        Ok(())
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn budgets(count: usize) -> Vec<MemoryBudget> {
        MemoryBudget::split(count, 64 << 10, 16 << 10).collect()
    }

    #[test]
    fn one_tenant_leaves_room_for_another() {
        let budgets = budgets(3);
        let mut charges: Vec<_> = std::iter::from_fn(|| budgets[0].try_charge(8 << 10).ok()).collect();
        assert_eq!(charges.len(), 4);
        assert!(
            budgets[0].try_charge(1).is_err_and(|error| error.message.starts_with("your") && error.retryable)
        );
        charges.extend(std::iter::from_fn(|| budgets[1].try_charge(8 << 10).ok()));
        assert_eq!(charges.len(), 8);
        assert!(budgets[2].try_charge(1).is_err_and(|error| error.message.starts_with("all")));
        charges.clear();
        assert!(budgets[2].try_charge(32 << 10).is_ok());
    }

    #[test]
    fn a_charge_grows_in_whole_units() {
        let budget = budgets(1).pop().expect("a budget");
        let mut charge = budget.try_charge(0).expect("nothing");
        for bytes in [1, 1024, 1025, 60 << 10] {
            charge.grow_to(bytes, &budget).expect("room");
            assert_eq!(charge.bytes(), bytes.next_multiple_of(UNIT));
        }
        assert!(charge.grow_to(65 << 10, &budget).is_err());
        assert!(budget.try_charge(5 << 10).is_err() && budget.try_charge(4 << 10).is_ok());
    }

    #[test]
    fn the_largest_charge_fits_any_budget() {
        assert!(MemoryBudget::split(2, 0, 8 << 10).all(|budget| budget.try_charge(8 << 10).is_ok()));
    }

    #[test]
    fn one_tenant_leaves_room_for_the_largest_charge_of_another() {
        for bytes in [0, 8 << 10, 12 << 10] {
            let budgets: Vec<_> = MemoryBudget::split(2, bytes, 8 << 10).collect();
            let _all = std::iter::from_fn(|| budgets[0].try_charge(1 << 10).ok()).collect::<Vec<_>>();
            assert!(budgets[1].try_charge(8 << 10).is_ok(), "of {bytes}");
        }
    }

    #[test]
    fn a_waiting_charge_gets_returned_memory() {
        let budgets = budgets(2);
        let mut charges: Vec<_> = [(); 2].map(|()| budgets[0].acquire(16 << 10).now_or_never()).into();
        assert!(charges.iter().all(|charge| matches!(charge, Some(Ok(_)))));
        assert!(
            budgets[1].acquire(u64::MAX).now_or_never().is_some(),
            "another tenant, and limited to the largest charge"
        );
        let mut next = Box::pin(budgets[0].acquire(12 << 10));
        assert!((&mut next).now_or_never().is_none());
        if let Some(Some(Ok(charge))) = charges.first_mut() {
            charge.shrink_to(4 << 10);
            assert_eq!(charge.bytes(), 4 << 10);
        }
        assert!(next.now_or_never().is_some());
    }
}
