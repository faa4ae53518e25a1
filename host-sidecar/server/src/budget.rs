//! Memory of a kind that executions may take: of all tenants together, and of each. That of requests is taken from the first
//! byte of a body to the end of its execution; that of outcomes from before the program starts.

use super::admission::overloaded;
use crate::config::ServeConfig;
use cofferdam_types::Error;
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit of a semaphore stands for.
const UNIT: u64 = 1024;

/// What one tenant may take, within what all may take.
#[derive(Debug)]
pub(super) struct Budget {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
    /// The most that one execution takes.
    largest: u64,
}

/// What a request takes, until it is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    permits: [OwnedSemaphorePermit; 2],
}

impl Budget {
    /// One for the requests of each of so many tenants.
    pub(super) fn for_tenants(count: usize, bounds: &ServeConfig) -> impl Iterator<Item = Self> {
        Self::shares(count, bounds.body_memory.0, bounds.body_limit.0)
    }

    /// One for each of so many tenants. Of several, none may take more than half of the whole, and the half is enough for the
    /// largest execution, whatever the setting says.
    pub(super) fn shares(count: usize, bytes: u64, largest: u64) -> impl Iterator<Item = Self> {
        let parts = if count > 1 { 2 } else { 1 };
        let own = (bytes / parts).max(largest);
        let whole = bytes.max(own.saturating_mul(parts));
        let semaphore =
            |bytes| Arc::new(Semaphore::new(usize::try_from(units(bytes)).unwrap_or(Semaphore::MAX_PERMITS)));
        let all = semaphore(whole);
        (0..count).map(move |_| Self { all: all.clone(), own: semaphore(own), largest })
    }

    /// Takes so many bytes when there is room for them, of the tenant's first: one tenant's many do not keep another's few waiting.
    pub(super) async fn wait(&self, bytes: u64) -> Result<Charge, AcquireError> {
        // More than there is would never be there.
        let units = units(bytes.min(self.largest));
        let own = self.own.clone().acquire_many_owned(units).await?;
        Ok(Charge { permits: [own, self.all.clone().acquire_many_owned(units).await?] })
    }

    /// Takes so many bytes, now or not at all.
    pub(super) fn charge(&self, bytes: u64) -> Result<Charge, Error> {
        let take = |semaphore: &Arc<Semaphore>| semaphore.clone().try_acquire_many_owned(units(bytes));
        match (take(&self.own), take(&self.all)) {
            (Ok(own), Ok(all)) => Ok(Charge { permits: [own, all] }),
            (Err(_), _) => Err(overloaded(
                "your requests take as much memory as they may (serve.body_memory); try again when some have ended",
            )),
            (_, Err(_)) => {
                Err(overloaded("all requests take as much memory as they may (serve.body_memory); try again later"))
            }
        }
    }
}

impl Charge {
    /// How many bytes it is for, or a few more.
    pub(super) fn bytes(&self) -> u64 {
        self.permits.first().map_or(0, |permit| permit.num_permits() as u64 * UNIT)
    }

    /// Gives back what it is for beyond so many bytes.
    pub(super) fn lower(&mut self, bytes: u64) {
        let units = usize::try_from(units(bytes)).unwrap_or(usize::MAX);
        for permit in &mut self.permits {
            drop(permit.split(permit.num_permits().saturating_sub(units)));
        }
    }

    /// Takes more, so that it is for so many bytes.
    pub(super) fn raise(&mut self, bytes: u64, budget: &Budget) -> Result<(), Error> {
        if let Some(more) = bytes.checked_sub(self.bytes()).filter(|more| *more > 0) {
            let more = budget.charge(more)?.permits;
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

    fn budgets(count: usize) -> Vec<Budget> {
        Budget::shares(count, 64 << 10, 16 << 10).collect()
    }

    #[test]
    fn one_tenant_leaves_room_for_another() {
        let budgets = budgets(3);
        let mut charges: Vec<_> = std::iter::from_fn(|| budgets[0].charge(8 << 10).ok()).collect();
        assert_eq!(charges.len(), 4);
        assert!(budgets[0].charge(1).is_err_and(|error| error.message.starts_with("your") && error.retryable));
        charges.extend(std::iter::from_fn(|| budgets[1].charge(8 << 10).ok()));
        assert_eq!(charges.len(), 8);
        assert!(budgets[2].charge(1).is_err_and(|error| error.message.starts_with("all")));
        charges.clear();
        assert!(budgets[2].charge(32 << 10).is_ok());
    }

    #[test]
    fn a_charge_grows_with_what_it_is_for() {
        let budget = budgets(1).pop().expect("a budget");
        let mut charge = budget.charge(0).expect("nothing");
        for bytes in [1, 1024, 1025, 60 << 10] {
            charge.raise(bytes, &budget).expect("room");
            assert_eq!(charge.bytes(), bytes.next_multiple_of(UNIT));
        }
        assert!(charge.raise(65 << 10, &budget).is_err());
        assert!(budget.charge(5 << 10).is_err() && budget.charge(4 << 10).is_ok());
    }

    #[test]
    fn the_largest_body_fits_whatever_the_budget_is() {
        assert!(Budget::shares(2, 0, 8 << 10).all(|budget| budget.charge(8 << 10).is_ok()));
    }

    #[test]
    fn one_tenant_leaves_room_for_the_largest_body_of_another_whatever_the_budget_is() {
        for bytes in [0, 8 << 10, 12 << 10] {
            let budgets: Vec<_> = Budget::shares(2, bytes, 8 << 10).collect();
            let _all = std::iter::from_fn(|| budgets[0].charge(1 << 10).ok()).collect::<Vec<_>>();
            assert!(budgets[1].charge(8 << 10).is_ok(), "of {bytes}");
        }
    }

    #[test]
    fn who_waits_gets_room_when_another_gives_it_back() {
        let budgets = budgets(2);
        let mut charges: Vec<_> = [(); 2].map(|()| budgets[0].wait(16 << 10).now_or_never()).into();
        assert!(charges.iter().all(|charge| matches!(charge, Some(Ok(_)))));
        assert!(budgets[1].wait(u64::MAX).now_or_never().is_some(), "of another tenant, and no more than the largest");
        let mut next = Box::pin(budgets[0].wait(12 << 10));
        assert!((&mut next).now_or_never().is_none());
        if let Some(Some(Ok(charge))) = charges.first_mut() {
            charge.lower(4 << 10);
            assert_eq!(charge.bytes(), 4 << 10);
        }
        assert!(next.now_or_never().is_some());
    }
}
