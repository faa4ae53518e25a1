//! Policy, pool and backend together.

use crate::{
    backend::Backend,
    execution::{ExecutionContext, Observer},
    id::new_id,
    inputs::Inputs,
    pipeline,
    policy::{Plan, Policy},
    pool::{Pool, PoolConfig, PoolMetrics},
    session::Sessions,
};
use cofferdam_types::{Error, Report, Request, Timings};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Executes requests: the policy decides on them, the pool or the backend supplies the sandbox. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub(crate) policy: Arc<Policy>,
    /// The tenant whose prewarmed sandboxes it uses; none: those for all tenants.
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) pool: Option<Arc<Pool>>,
    pub(crate) sessions: Option<Arc<Sessions>>,
    /// Sessions that this tenant may have at once; none: those that any tenant may have.
    pub(crate) max_sessions: Option<u32>,
    /// Executions without a caller that waits for them.
    detached: TaskTracker,
}

impl Runtime {
    /// A runtime that creates a sandbox for each execution.
    #[must_use]
    pub fn new(policy: Policy, backend: Arc<dyn Backend>) -> Self {
        Self {
            policy: Arc::new(policy),
            tenant: None,
            backend,
            pool: None,
            sessions: None,
            max_sessions: None,
            detached: TaskTracker::new(),
        }
    }

    /// The same with a pool of prewarmed sandboxes, for a process that stays. A maximum of zero is no pool.
    #[must_use]
    pub fn with_pool(self, config: &PoolConfig) -> Self {
        let usual = self.policy.plan(Request { code: "#".into(), ..Request::default() });
        let pool = match usual {
            Ok(usual) if config.maximum() > 0 => Some(Pool::new(self.backend.clone(), config, usual.sandbox)),
            _ => None,
        };
        Self { pool: pool.map(Arc::new), ..self }
    }

    /// The same backend and pool under another policy.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self.clone() }
    }

    /// The same for one tenant of several: no other tenant uses a sandbox that is prewarmed for its requests.
    #[must_use]
    pub fn with_tenant(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.into()), ..self.clone() }
    }

    /// Checks that programs can be executed.
    ///
    /// # Errors
    ///
    /// Why the backend cannot create sandboxes.
    pub async fn ready(&self) -> Result<(), Error> {
        if let Some(pool) = &self.pool {
            pool.start();
        }
        self.backend.ready().await
    }

    /// Waits until a sandbox is prewarmed for requests like this one: the next of them is executed in it.
    /// Does nothing without a pool.
    ///
    /// # Errors
    ///
    /// The policy refuses the request, or such a sandbox cannot be created.
    pub async fn warm_up(&self, request: Request) -> Result<(), Error> {
        let plan = self.plan(request)?;
        match &self.pool {
            Some(pool) => {
                let sandbox = pipeline::pull_image(Some(&**pool), &*self.backend, plan.sandbox).await?;
                pool.warm_up(&self.backend.resolve(sandbox).await?).await
            }
            None => Ok(()),
        }
    }

    /// The measurements of the pool, if there is one.
    #[must_use]
    pub fn pool_metrics(&self) -> Option<PoolMetrics> {
        self.pool.as_ref().map(|pool| pool.metrics().clone())
    }

    /// Ends all sessions, and waits until detached executions have ended and all sandboxes are deleted. To be called
    /// before the process ends.
    pub async fn drain(&self) {
        if let Some(sessions) = &self.sessions {
            sessions.close().await;
        }
        self.detached.close();
        self.detached.wait().await;
        if let Some(pool) = &self.pool {
            pool.close().await;
        }
        self.backend.drain().await;
    }

    /// Executes one program, at most once, and leaves nothing behind. To cancel, set `cancelled` and continue
    /// to wait. If the caller drops the future instead, a task in the background deletes the sandbox.
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
        self.run_with_inputs(request, None, cancelled, observer).await
    }

    /// The same with more files, which are streamed into the working directory after those of the request.
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::run`]. A file was refused, or could not be read.
    pub async fn run_with_inputs(
        &self,
        request: Request,
        inputs: Option<Inputs>,
        cancelled: &CancellationToken,
        observer: &dyn Observer,
    ) -> Result<Report, Error> {
        let context = ExecutionContext { id: new_id(), requested: Instant::now(), cancelled, observer };
        let mut plan = self.plan(request)?;
        plan.exec.inputs = inputs;
        self.execute(plan, &context).await
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Starts an execution that continues without its caller until `cancelled` is set; gives its id and the
    /// task that will have its report.
    ///
    /// # Errors
    ///
    /// The policy refuses the request.
    pub fn start(
        &self,
        request: Request,
        cancelled: CancellationToken,
        observer: impl Observer + 'static,
    ) -> Result<(String, JoinHandle<Result<Report, Error>>), Error> {
        let (id, requested) = (new_id(), Instant::now());
        let plan = self.plan(request)?;
        let (runtime, execution_id) = (self.clone(), id.clone());
        let task = self.detached.spawn(async move {
            let context =
                ExecutionContext { id: execution_id, requested, cancelled: &cancelled, observer: &observer };
            runtime.execute(plan, &context).await
        });
        Ok((id, task))
    }

    /// What the policy makes of a request.
    ///
    /// # Errors
    ///
    /// The policy refuses the request.
    pub fn plan(&self, request: Request) -> Result<Plan, Error> {
        let mut plan = self.policy.plan(request)?;
        plan.sandbox.tenant.clone_from(&self.tenant);
        Ok(plan)
    }

    /// Gets the image that the request has chosen, if it has chosen one and this backend has to get it. A caller that
    /// limits the number of executions calls this before an execution counts, so that a slow registry delays no other.
    ///
    /// # Errors
    ///
    /// The image cannot be had, or not within the startup time. Its detail has been logged.
    pub async fn pull(&self, plan: Plan, context: &ExecutionContext<'_>) -> Result<Plan, Error> {
        let result = pipeline::pull(self.pool.as_deref(), &*self.backend, plan, context).await;
        result.map_err(|error| failed(&context.id, error))
    }

    /// Executes a plan, at most once.
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::run`].
    pub async fn execute(&self, plan: Plan, context: &ExecutionContext<'_>) -> Result<Report, Error> {
        tracing::info!(id = context.id, labels = ?plan.exec.labels, "requested");
        let result = self.execute_in(plan, context).await.map_err(|error| failed(&context.id, error));
        result.inspect(|report| log(&context.id, report))
    }

    async fn execute_in(&self, plan: Plan, context: &ExecutionContext<'_>) -> Result<Report, Error> {
        let plan = pipeline::pull(self.pool.as_deref(), &*self.backend, plan, context).await?;
        let plan = pipeline::resolve(&*self.backend, plan, context).await?;
        match &self.pool {
            Some(pool) => pipeline::execute_pooled(pool, &*self.backend, plan, context).await,
            None => pipeline::execute(&*self.backend, plan, context).await,
        }
    }
}

fn log(id: &str, report: &Report) {
    let Timings { queued, scheduled, pulled, started, finished, answered } = report.timings;
    let ms = |time: Option<Duration>| time.map(|time| time.as_millis());
    let (queued_ms, scheduled_ms, pulled_ms) = (ms(queued), ms(scheduled), ms(pulled));
    let (started_ms, finished_ms, answered_ms) = (ms(started), ms(finished), answered.as_millis());
    tracing::info!(
        id, status = ?report.status, queued_ms, scheduled_ms, pulled_ms, started_ms, finished_ms, answered_ms, "ran"
    );
}

/// Logs an error, which then has the id of its execution.
pub(crate) fn failed(id: &str, error: Error) -> Error {
    tracing::warn!(id, code = ?error.code, error = error.log_message(), detail = error.detail, "failed");
    Error { id: Some(id.to_owned()), ..error }
}
