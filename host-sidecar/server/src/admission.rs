//! Which requests are admitted, and when their executions may run. An admission permit covers a request and
//! its execution, from before the body is read to the end. A run permit covers an execution while it runs.

pub(crate) mod memory;

use crate::api_error::overloaded;
use cofferdam_types::Error;
use memory::{MemoryBudget, MemoryCharge};
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How many executions may run and wait: of all tenants, or of one of them.
#[derive(Debug)]
pub(crate) struct Capacity {
    admissions: Arc<Semaphore>,
    runs: Arc<Semaphore>,
    max_running: usize,
    max_waiting: usize,
}

/// Admission of one tenant, within the capacity that all tenants share.
#[derive(Debug)]
pub(crate) struct Admission {
    shared: Arc<Capacity>,
    own: Capacity,
    /// The setting that limits the tenant's running executions.
    setting: String,
}

/// Permission for a request and its execution. Dropping it returns its share of the capacity.
#[derive(Debug)]
pub(crate) struct AdmissionPermit {
    _permits: [OwnedSemaphorePermit; 2],
    /// The memory of the request.
    charge: Option<MemoryCharge>,
}

/// Permission to run an execution. Dropping it returns its share of the capacity.
#[derive(Debug)]
pub(crate) struct RunPermit {
    _permits: [OwnedSemaphorePermit; 2],
    /// The memory that is reserved for the outcome.
    pub(crate) charge: MemoryCharge,
}

impl AdmissionPermit {
    /// Holds the memory charge of the request for as long as the permit exists.
    pub(crate) fn hold(&mut self, charge: MemoryCharge) {
        self.charge = Some(charge);
    }
}

impl Capacity {
    pub(crate) fn new(max_running: u32, max_waiting: u32) -> Self {
        let [max_running, max_waiting] = [max_running, max_waiting]
            .map(|number| usize::try_from(number).unwrap_or(Semaphore::MAX_PERMITS / 2));
        Self::with_limits(max_running, max_waiting)
    }

    fn with_limits(max_running: usize, max_waiting: usize) -> Self {
        Self {
            admissions: Arc::new(Semaphore::new(max_running + max_waiting)),
            runs: Arc::new(Semaphore::new(max_running)),
            max_running,
            max_waiting,
        }
    }

    /// The number of running executions, and of requests that wait to run or send their body.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let running = self.max_running - self.runs.available_permits();
        let admitted = self.max_running + self.max_waiting - self.admissions.available_permits();
        (running, admitted.saturating_sub(running))
    }
}

impl Admission {
    /// A tenant may run `max_runs` executions at once. Its share of the waiting requests has the same
    /// proportion, and is at least one. Without `max_runs`, one of several tenants gets half of all
    /// admissions, so that its slow requests leave the rest to others.
    pub(crate) fn new(shared: Arc<Capacity>, tenant: &str, max_runs: Option<u32>, has_others: bool) -> Self {
        let (max_running, max_waiting) = match max_runs {
            Some(max) => {
                let running = usize::try_from(max).unwrap_or(usize::MAX).min(shared.max_running);
                (running, (shared.max_waiting * running).div_ceil(shared.max_running.max(1)))
            }
            None if has_others => {
                let admissions = (shared.max_running + shared.max_waiting).div_ceil(2);
                (shared.max_running.min(admissions), admissions.saturating_sub(shared.max_running))
            }
            None => (shared.max_running, shared.max_waiting),
        };
        let own = Capacity::with_limits(max_running, max_waiting);
        let setting =
            max_runs.map_or_else(|| "serve.max_runs".into(), |_| format!("tenants.{tenant}.max_runs"));
        Self { shared, own, setting }
    }

    /// Admits a request, or fails at once.
    pub(crate) fn try_admit(&self) -> Result<AdmissionPermit, Error> {
        let acquire = |capacity: &Capacity| capacity.admissions.clone().try_acquire_owned();
        match (acquire(&self.own), acquire(&self.shared)) {
            (Ok(own), Ok(shared)) => Ok(AdmissionPermit { _permits: [own, shared], charge: None }),
            (Err(_), _) => Err(at_capacity("your executions", &self.own, &self.setting)),
            (_, Err(_)) => Err(at_capacity("the executions of all tenants", &self.shared, "serve.max_runs")),
        }
    }

    /// Waits for permission to run, and for memory for the outcome. A tenant's executions run in the order of
    /// their calls. Those of one tenant do not delay those of another.
    pub(crate) async fn acquire_run(
        &self,
        memory: &MemoryBudget,
        bytes: u64,
    ) -> Result<RunPermit, AcquireError> {
        let own = self.own.runs.clone().acquire_owned().await?;
        // Last of all the shared permit: while an execution waits for memory, another tenant can use it.
        let charge = memory.acquire(bytes).await?;
        Ok(RunPermit { _permits: [own, self.shared.runs.clone().acquire_owned().await?], charge })
    }
}

fn at_capacity(whose: &str, capacity: &Capacity, setting: &str) -> Error {
    let Capacity { max_running, max_waiting, .. } = capacity;
    overloaded(&format!(
        "the limit of {whose} is reached: {max_running} running ({setting}) and {max_waiting} waiting \
         (serve.max_queued); retry after the time in Retry-After, or ask the operator to raise the limit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::ErrorCode;
    use futures_util::FutureExt;

    fn admission(all: &Arc<Capacity>, max_runs: Option<u32>) -> Admission {
        Admission::new(all.clone(), "agents", max_runs, false)
    }

    fn memory(bytes: u64) -> MemoryBudget {
        MemoryBudget::split(1, bytes, 1 << 10).next().expect("a budget")
    }

    #[test]
    fn a_request_beyond_the_capacity_is_refused() {
        let all = Arc::new(Capacity::new(1, 2));
        let admission = admission(&all, None);
        let permits: Vec<_> = (0..3).map(|_| admission.try_admit().expect("a permit")).collect();
        assert_eq!(admission.try_admit().expect_err("full").code, ErrorCode::Overloaded);
        assert_eq!(all.usage(), (0, 3));
        drop(permits);
        assert!(admission.try_admit().is_ok());
    }

    #[test]
    fn a_tenant_with_a_limit_leaves_the_rest_to_others() {
        let all = Arc::new(Capacity::new(4, 8));
        let (one, other) = (admission(&all, Some(1)), admission(&all, None));
        let permits: Vec<_> = std::iter::from_fn(|| one.try_admit().ok()).collect();
        assert_eq!(permits.len(), 3);
        assert_eq!(std::iter::from_fn(|| other.try_admit().ok()).collect::<Vec<_>>().len(), 9);
    }

    #[test]
    fn an_error_names_the_setting_that_limits() {
        let all = Arc::new(Capacity::new(2, 0));
        let (one, other) = (admission(&all, Some(1)), admission(&all, None));
        let error = |admission: &Admission| admission.try_admit().expect_err("full").message;
        let _permits = (one.try_admit(), other.try_admit());
        assert!(error(&one).contains("1 running (tenants.agents.max_runs)"), "{}", error(&one));
        assert!(error(&other).contains("2 running (serve.max_runs)"), "{}", error(&other));
        assert!(error(&one).contains("Retry-After"));
    }

    #[test]
    fn one_of_several_tenants_leaves_half_of_the_capacity() {
        for (runs, queued, half) in [(4, 64, 34), (4, 0, 2), (1, 0, 1)] {
            let all = Arc::new(Capacity::new(runs, queued));
            let [one, other] = [true, true].map(|others| Admission::new(all.clone(), "agents", None, others));
            let permits: Vec<_> = std::iter::from_fn(|| one.try_admit().ok()).collect();
            assert_eq!(permits.len(), half);
            assert_eq!(other.try_admit().is_ok(), runs + queued > 1);
            let own = Admission::new(all.clone(), "agents", Some(runs), true);
            assert_eq!(
                (own.own.max_running, own.own.max_waiting),
                (all.max_running, all.max_waiting),
                "the operator's limit applies"
            );
        }
    }

    #[tokio::test]
    async fn an_execution_waits_for_memory_for_its_outcome() {
        let (all, memory) = (Arc::new(Capacity::new(2, 0)), memory(1 << 10));
        let one = admission(&all, None);
        let mut first = one.acquire_run(&memory, 1 << 10).await.expect("a permit");
        let mut second = std::pin::pin!(one.acquire_run(&memory, 1 << 10));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(all.usage().0, 1, "it holds no shared permit meanwhile");
        first.charge.shrink_to(0);
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_execution_waits_for_the_end_of_another() {
        let all = Arc::new(Capacity::new(1, 1));
        let admission = admission(&all, None);
        let memory = memory(1 << 20);
        let first = admission.acquire_run(&memory, 0).await.expect("a permit");
        let mut second = std::pin::pin!(admission.acquire_run(&memory, 0));
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(all.usage().0, 1);
        drop(first);
        assert!(second.await.is_ok());
    }
}
