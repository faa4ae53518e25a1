//! The memory that requests may take from the first byte of a body to the end of its run: of all tenants together, and of each.

use super::admission::overloaded;
use crate::{config::Serve, execution::Error};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit of a semaphore stands for.
const UNIT: u64 = 1024;

/// What one tenant may take, within what all may take.
#[derive(Debug)]
pub(super) struct Budget {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

/// What a request takes, until it is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    permits: [OwnedSemaphorePermit; 2],
}

impl Budget {
    /// One for each of so many tenants. Of several, none may take more than half of the whole, but each has room for one body.
    pub(super) fn for_tenants(count: usize, bounds: &Serve) -> impl Iterator<Item = Self> {
        let whole = bounds.body_memory.0.max(bounds.body_limit.0);
        let own = if count > 1 { (whole / 2).max(bounds.body_limit.0) } else { whole };
        let semaphore =
            |bytes| Arc::new(Semaphore::new(usize::try_from(units(bytes)).unwrap_or(Semaphore::MAX_PERMITS)));
        let all = semaphore(whole);
        (0..count).map(move |_| Self { all: all.clone(), own: semaphore(own) })
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
    use crate::config::Bytes;

    fn budgets(count: usize) -> Vec<Budget> {
        let bounds = Serve { body_memory: Bytes(64 << 10), body_limit: Bytes(16 << 10), ..Serve::default() };
        Budget::for_tenants(count, &bounds).collect()
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
        let bounds = Serve { body_memory: Bytes(0), body_limit: Bytes(8 << 10), ..Serve::default() };
        assert!(Budget::for_tenants(2, &bounds).all(|budget| budget.charge(8 << 10).is_ok()));
    }
}
