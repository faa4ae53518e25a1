//! The one path of every execution: a sandbox is taken from the pool or created, the program is executed in
//! it, and the sandbox is deleted.

use crate::{
    backend::{Backend, Purpose, Sandbox},
    execution::ExecutionContext,
    execution_state::{cancelled_before_start, startup_deadline, startup_timeout},
    policy::Plan,
    pool::{Pool, Preemption},
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, ErrorCode, Report, quoted};
use scopeguard::ScopeGuard;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep_until;

/// Executes a plan in a sandbox of this backend, at most once.
///
/// # Errors
///
/// The program was not run, or its result is not known.
pub async fn execute(
    backend: &dyn Backend,
    plan: Plan,
    context: &ExecutionContext<'_>,
) -> Result<Report, Error> {
    context.observer.on_phase(crate::Phase::Starting);
    let Plan { sandbox: spec, exec } = plan;
    let mut sandbox = deleted_when_dropped(create(backend, &spec, &exec, context).await?);
    let result = sandbox.exec(exec, context).await;
    ScopeGuard::into_inner(sandbox).delete().await;
    answered(result, context)
}

/// A sandbox whose deletion starts when it is dropped, as when the caller drops the execution: so the backend waits for
/// the deletion when it is drained.
fn deleted_when_dropped(
    sandbox: Box<dyn Sandbox>,
) -> ScopeGuard<Box<dyn Sandbox>, impl FnOnce(Box<dyn Sandbox>)> {
    scopeguard::guard(sandbox, |sandbox| drop(sandbox.delete()))
}

/// The same with prewarmed sandboxes. Those that are idle make room for an execution that finds no capacity.
pub(crate) async fn execute_pooled(
    pool: &Pool,
    backend: &dyn Backend,
    plan: Plan,
    context: &ExecutionContext<'_>,
) -> Result<Report, Error> {
    if let Some(sandbox) = pool.take(&plan.sandbox).await {
        tracing::debug!(id = context.id, ?sandbox, "a sandbox was waiting");
        let mut sandbox = deleted_when_dropped(sandbox);
        let result = sandbox.exec(plan.exec, context).await;
        // The answer does not wait for the deletion, which the backend goes on with.
        drop(sandbox);
        return answered(result, context);
    }
    let preemption = Preemption::new(context);
    let observed = ExecutionContext { id: context.id.clone(), observer: &preemption, ..*context };
    tokio::select! {
        result = execute(backend, plan, &observed) => result,
        never = preemption.evict_with(|| pool.evict()) => match never {},
    }
}

/// Gets the image that the request has chosen, if it has chosen one.
pub(crate) async fn pull(
    pool: Option<&Pool>,
    backend: &dyn Backend,
    plan: Plan,
    context: &ExecutionContext<'_>,
) -> Result<Plan, Error> {
    let Plan { sandbox, exec } = plan;
    let name = sandbox.image.clone().unwrap_or_default();
    let sandbox = before_start(pull_image(pool, backend, sandbox), &exec, context).await;
    let sandbox = sandbox.map_err(|error| match error.code {
        ErrorCode::StartupTimeout => {
            let message = format!(
                "the image {} was not pulled within the start-up time; the pull goes on, so try again later",
                quoted(&name)
            );
            Error::new(ErrorCode::ImageUnavailable, message).retryable()
        }
        _ => error,
    })?;
    Ok(Plan { sandbox, exec })
}

/// The same without a limit of time. Idle sandboxes keep no image for which there is no room otherwise.
pub(crate) async fn pull_image(
    pool: Option<&Pool>,
    backend: &dyn Backend,
    spec: SandboxSpec,
) -> Result<SandboxSpec, Error> {
    if spec.allowed_images.as_ref().is_none_or(|allowed| allowed.is_empty()) {
        return Ok(spec);
    }
    let is_full = |error: &Error| error.code == ErrorCode::Quota;
    let mut pulled = backend.pull(&spec).await;
    if let (true, Some(pool)) = (pulled.as_ref().is_err_and(is_full), pool)
        && pool.evict_chosen().await
    {
        pulled = backend.pull(&spec).await;
    }
    match pulled {
        Ok(()) => Ok(SandboxSpec { allowed_images: Some(Arc::default()), ..spec }),
        Err(error) if is_full(&error) => Err(Error { code: ErrorCode::ImageUnavailable, ..error }),
        Err(error) => Err(error),
    }
}

/// Resolves what the plan's sandbox is created from.
pub(crate) async fn resolve(
    backend: &dyn Backend,
    plan: Plan,
    context: &ExecutionContext<'_>,
) -> Result<Plan, Error> {
    let Plan { sandbox, exec } = plan;
    let sandbox = before_start(backend.resolve(sandbox), &exec, context).await?;
    Ok(Plan { sandbox, exec })
}

/// Creates a sandbox.
async fn create(
    backend: &dyn Backend,
    spec: &SandboxSpec,
    exec: &ExecSpec,
    context: &ExecutionContext<'_>,
) -> Result<Box<dyn Sandbox>, Error> {
    before_start(backend.create(spec, Purpose::Execution(context)), exec, context).await
}

/// Creates a sandbox for a session. Idle prewarmed ones make room for it.
pub(crate) async fn create_for_session(
    pool: Option<&Pool>,
    backend: &dyn Backend,
    spec: &SandboxSpec,
    max_lifetime: Duration,
    context: &ExecutionContext<'_>,
) -> Result<Box<dyn Sandbox>, Error> {
    let preemption = Preemption::new(context);
    let observed = ExecutionContext { id: context.id.clone(), observer: &preemption, ..*context };
    let evict = || pool.into_iter().for_each(Pool::evict);
    tokio::select! {
        created = backend.create(spec, Purpose::Session { context: &observed, max_lifetime }) => created,
        never = preemption.evict_with(evict) => match never {},
    }
}

/// Awaits a step within the startup time, unless the execution is cancelled before.
pub(crate) async fn before_start<T>(
    step: impl Future<Output = Result<T, Error>>,
    exec: &ExecSpec,
    context: &ExecutionContext<'_>,
) -> Result<T, Error> {
    tokio::select! {
        done = step => done,
        () = sleep_until(startup_deadline(context, exec)) => Err(startup_timeout().retryable()),
        () = context.cancelled.cancelled() => Err(cancelled_before_start()),
    }
}

fn answered(result: Result<Report, Error>, context: &ExecutionContext<'_>) -> Result<Report, Error> {
    let mut report = result?;
    report.timings.answered = context.elapsed();
    Ok(report)
}
