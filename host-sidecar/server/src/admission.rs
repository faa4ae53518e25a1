//! Who may come in, and whose turn it is. A place is for a request with its run, from before its body is read to the end;
//! a turn is for a run that takes place.

use super::budget::{Budget, Charge};
use cofferdam_types::{Error, ErrorCode};
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Bounds that several tenants share, or one tenant's part of them.
#[derive(Debug)]
pub(super) struct Bounds {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    runs: usize,
    queued: usize,
}

/// What one tenant may have, within what all may have.
#[derive(Debug)]
pub(super) struct Admission {
    all: Arc<Bounds>,
    own: Bounds,
    /// The setting that bounds the tenant's executions.
    setting: String,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permits: [OwnedSemaphorePermit; 2],
    /// What its request takes.
    charge: Option<Charge>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permits: [OwnedSemaphorePermit; 2],
    /// What the outcome may take.
    pub(super) charge: Charge,
}

impl Place {
    /// Keeps what its request takes for as long as the place is kept.
    pub(super) fn keep(&mut self, charge: Charge) {
        self.charge = Some(charge);
    }
}

impl Bounds {
    /// So many runs at once, and so many more that wait.
    pub(super) fn new(runs: u32, queued: u32) -> Self {
        let [runs, queued] = [runs, queued].map(|number| usize::try_from(number).unwrap_or(Semaphore::MAX_PERMITS / 2));
        Self { places: Arc::new(Semaphore::new(runs + queued)), turns: Arc::new(Semaphore::new(runs)), runs, queued }
    }

    /// Runs that take place now, and requests that wait for their turn or bring their body.
    pub(super) fn used(&self) -> (usize, usize) {
        let running = self.runs - self.turns.available_permits();
        let inside = self.runs + self.queued - self.places.available_permits();
        (running, inside.saturating_sub(running))
    }
}

impl Admission {
    /// `max_runs` of all that may run at once, and of those that may wait in the same proportion, but at least one. Without it
    /// half of all places where there are other tenants: one tenant's requests, which may be slow to come, leave the rest.
    pub(super) fn new(all: Arc<Bounds>, tenant: &str, max_runs: Option<u32>, has_others: bool) -> Self {
        let (runs, queued) = match max_runs {
            Some(max) => {
                let runs = usize::try_from(max).unwrap_or(usize::MAX).min(all.runs);
                (runs, (all.queued * runs).div_ceil(all.runs.max(1)))
            }
            None if has_others => {
                let places = (all.runs + all.queued).div_ceil(2);
                (all.runs.min(places), places.saturating_sub(all.runs))
            }
            None => (all.runs, all.queued),
        };
        let own = Bounds {
            places: Arc::new(Semaphore::new(runs + queued)),
            turns: Arc::new(Semaphore::new(runs)),
            runs,
            queued,
        };
        let setting = max_runs.map_or_else(|| "serve.max_runs".into(), |_| format!("tenants.{tenant}.max_runs"));
        Self { all, own, setting }
    }

    /// A place, now or not at all.
    pub(super) fn place(&self) -> Result<Place, Error> {
        let take = |places: &Arc<Semaphore>| places.clone().try_acquire_owned();
        match (take(&self.own.places), take(&self.all.places)) {
            (Ok(own), Ok(all)) => Ok(Place { _permits: [own, all], charge: None }),
            (Err(_), _) => Err(full("your executions", &self.own, &self.setting)),
            (_, Err(_)) => Err(full("the executions of all tenants", &self.all, "serve.max_runs")),
        }
    }

    /// Waits for a turn, and for so much memory of this budget. Those of one tenant come in the order in which they were asked
    /// for; one tenant's many do not keep another's few waiting for all of theirs.
    pub(super) async fn turn(&self, memory: &Budget, bytes: u64) -> Result<Turn, AcquireError> {
        let own = self.own.turns.clone().acquire_owned().await?;
        // Who waits for memory holds no turn that another tenant could have.
        let charge = memory.wait(bytes).await?;
        Ok(Turn { _permits: [own, self.all.turns.clone().acquire_owned().await?], charge })
    }
}

fn full(whose: &str, bounds: &Bounds, setting: &str) -> Error {
    let Bounds { runs, queued, .. } = bounds;
    overloaded(&format!(
        "{whose} have reached their bound: {runs} running ({setting}) and {queued} waiting (serve.max_queued); send the request \
         again in a second, as Retry-After says, or ask the operator for a higher bound"
    ))
}

/// There is no room for the run.
pub(super) fn overloaded(message: &str) -> Error {
    Error::new(ErrorCode::Overloaded, message).retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn admission(all: &Arc<Bounds>, max_runs: Option<u32>) -> Admission {
        Admission::new(all.clone(), "agents", max_runs, false)
    }

    fn memory(bytes: u64) -> Budget {
        Budget::shares(1, bytes, 1 << 10).next().expect("a budget")
    }

    #[test]
    fn beyond_the_bounds_there_is_no_place() {
        let all = Arc::new(Bounds::new(1, 2));
        let admission = admission(&all, None);
        let places: Vec<_> = (0..3).map(|_| admission.place().expect("a place")).collect();
        assert_eq!(admission.place().expect_err("full").code, ErrorCode::Overloaded);
        assert_eq!(all.used(), (0, 3));
        drop(places);
        assert!(admission.place().is_ok());
    }

    #[test]
    fn a_share_leaves_the_rest_to_others() {
        let all = Arc::new(Bounds::new(4, 8));
        let (one, other) = (admission(&all, Some(1)), admission(&all, None));
        let places: Vec<_> = std::iter::from_fn(|| one.place().ok()).collect();
        assert_eq!(places.len(), 3);
        assert_eq!(std::iter::from_fn(|| other.place().ok()).collect::<Vec<_>>().len(), 9);
    }

    #[test]
    fn a_refusal_names_the_setting_that_is_the_bound() {
        let all = Arc::new(Bounds::new(2, 0));
        let (one, other) = (admission(&all, Some(1)), admission(&all, None));
        let refusal = |admission: &Admission| admission.place().expect_err("full").message;
        let _places = (one.place(), other.place());
        assert!(refusal(&one).contains("1 running (tenants.agents.max_runs)"), "{}", refusal(&one));
        assert!(refusal(&other).contains("2 running (serve.max_runs)"), "{}", refusal(&other));
        assert!(refusal(&one).contains("Retry-After"));
    }

    #[test]
    fn one_tenant_of_several_leaves_half_of_the_places() {
        for (runs, queued, half) in [(4, 64, 34), (4, 0, 2), (1, 0, 1)] {
            let all = Arc::new(Bounds::new(runs, queued));
            let [one, other] = [true, true].map(|others| Admission::new(all.clone(), "agents", None, others));
            let places: Vec<_> = std::iter::from_fn(|| one.place().ok()).collect();
            assert_eq!(places.len(), half);
            assert_eq!(other.place().is_ok(), runs + queued > 1);
            let own = Admission::new(all.clone(), "agents", Some(runs), true);
            assert_eq!((own.own.runs, own.own.queued), (all.runs, all.queued), "as many as the operator says");
        }
    }

    #[tokio::test]
    async fn a_turn_comes_when_there_is_memory_for_the_outcome() {
        let (all, memory) = (Arc::new(Bounds::new(2, 0)), memory(1 << 10));
        let one = admission(&all, None);
        let mut first = one.turn(&memory, 1 << 10).await.expect("a turn");
        let mut second = std::pin::pin!(one.turn(&memory, 1 << 10));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(all.used().0, 1, "no turn is held meanwhile");
        first.charge.lower(0);
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_turn_comes_when_another_ends() {
        let all = Arc::new(Bounds::new(1, 1));
        let admission = admission(&all, None);
        let memory = memory(1 << 20);
        let first = admission.turn(&memory, 0).await.expect("a turn");
        let mut second = std::pin::pin!(admission.turn(&memory, 0));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(all.used().0, 1);
        drop(first);
        assert!(second.await.is_ok());
    }
}
