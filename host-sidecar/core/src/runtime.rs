//! Policy and backend put together.

use crate::{
    Backend, Observer, Run, new_id,
    policy::{Plan, Policy},
    pool::PoolMetrics,
};
use cofferdam_types::{Error, Report, Request, Timings};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What stands behind the component's import: it decides on a request and has it carried out.
#[derive(Debug, Clone)]
pub struct Runtime {
    policy: Arc<Policy>,
    /// Whose sandboxes are started ahead; none: everybody's.
    tenant: Option<Arc<str>>,
    backend: Arc<dyn Backend>,
    /// Runs that go on by themselves.
    started: TaskTracker,
}

impl Runtime {
    /// A sidecar with a backend of the caller's own.
    #[must_use]
    pub fn with_backend(policy: Policy, backend: Arc<dyn Backend>) -> Self {
        Self { policy: Arc::new(policy), tenant: None, backend, started: TaskTracker::new() }
    }

    /// The same backend under another policy.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self.clone() }
    }

    /// The same for one tenant of several: no other tenant gets a sandbox that is started ahead for its requests.
    pub fn with_tenant(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.into()), ..self.clone() }
    }

    /// Asks whether runs can be made.
    ///
    /// # Errors
    ///
    /// What keeps the backend from it.
    pub async fn ready(&self) -> Result<(), Error> {
        self.backend.ready().await
    }

    /// Has a sandbox waiting for requests like this one, and waits until it is: the next of them is answered from it. Does
    /// nothing without a pool.
    ///
    /// # Errors
    ///
    /// What policy has against the request, or that no such sandbox can be started.
    pub async fn warm_up(&self, request: Request) -> Result<(), Error> {
        let plan = self.plan(request)?;
        self.backend.warm_up(&plan).await
    }

    /// The figures of its pool, if it has one.
    #[must_use]
    pub fn pool_metrics(&self) -> Option<PoolMetrics> {
        self.backend.pool_metrics()
    }

    /// Waits until runs that were started and given up are over, and what runs have left to be removed beside their answers is
    /// gone; to be called before the process ends.
    pub async fn settle(&self) {
        self.started.close();
        self.started.wait().await;
        self.backend.settle().await;
    }

    /// Runs one program, at most once, and leaves nothing of it. To give up, set `cancelled` and go on waiting; a caller
    /// that drops the future instead leaves the sandbox's removal to a task in the background.
    ///
    /// # Errors
    ///
    /// [`Error`] where the program was not run, or its result is not known. Its detail has been logged.
    pub async fn run(
        &self,
        request: Request,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        let run = Run { id: new_id(), requested: Instant::now(), cancelled, observer };
        let plan = self.plan(request)?;
        self.carry_out(plan, &run).await
    }

    /// What it decides by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Starts a run that goes on whoever waits for it, until `cancelled` is set; gives its id, and what will come of it.
    pub fn start(
        &self,
        request: Request,
        cancelled: CancellationToken,
        observer: impl Observer + 'static,
    ) -> Result<(String, JoinHandle<Result<Report, Error>>), Error> {
        let (id, requested) = (new_id(), Instant::now());
        let plan = self.plan(request)?;
        let (sidecar, run_id) = (self.clone(), id.clone());
        let task = self.started.spawn(async move {
            let run = Run { id: run_id, requested, cancelled: &cancelled, observer: &observer };
            sidecar.carry_out(plan, &run).await
        });
        Ok((id, task))
    }

    /// What policy makes of a request.
    pub fn plan(&self, request: Request) -> Result<Plan, Error> {
        Ok(Plan { tenant: self.tenant.clone(), ..self.policy.plan(request)? })
    }

    /// Has a plan carried out, at most once, for a run that its caller has named.
    pub async fn carry_out(&self, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        tracing::info!(id = run.id, labels = ?plan.labels, "requested");
        let result = self.backend.run(plan, run).await;
        match &result {
            Ok(report) => {
                let Timings { queued, scheduled, pulled, started, finished, answered } = report.timings;
                let ms = |time: Option<Duration>| time.map(|time| time.as_millis());
                let (queued_ms, scheduled_ms, pulled_ms) = (ms(queued), ms(scheduled), ms(pulled));
                let (started_ms, finished_ms, answered_ms) = (ms(started), ms(finished), answered.as_millis());
                tracing::info!(
                    id = run.id, status = ?report.status, queued_ms, scheduled_ms, pulled_ms, started_ms, finished_ms,
                    answered_ms, "ran"
                );
            }
            Err(error) => {
                tracing::warn!(id = run.id, code = ?error.code, error = error.log_message(), detail = error.detail, "failed");
            }
        }
        result.map_err(|error| Error { id: Some(run.id.clone()), ..error })
    }
}
