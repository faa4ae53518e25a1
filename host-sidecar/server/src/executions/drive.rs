//! Drives an execution to its end: waits for permission to run, executes the program, and publishes the
//! result.

use super::{
    execution::{Execution, Publisher},
    records::Completion,
    registry::CompletionGuard,
    result::ExecutionResult,
    serialize::serialize,
};
use crate::{
    admission::{AdmissionPermit, RunPermit},
    api_error::{overloaded, to_problem},
    state::AppState,
    tenants::Tenant,
};
use cofferdam_core::{ExecutionContext, policy::Plan};
use cofferdam_types::{Error, ErrorCode, Report};
use std::sync::Arc;
use tokio::time::sleep;
use tracing::Span;

/// An execution that is to be driven.
pub(super) struct Job {
    pub(super) tenant: Arc<Tenant>,
    pub(super) execution: Arc<Execution>,
    /// Dropped before the publisher, so that the end is recorded before callers see it.
    pub(super) completion: CompletionGuard,
    pub(super) publisher: Publisher,
    pub(super) plan: Plan,
    pub(super) permit: AdmissionPermit,
}

pub(super) async fn drive(state: Arc<AppState>, job: Job) {
    let Job { tenant, execution, publisher, completion, plan, permit } = job;
    let context = ExecutionContext {
        id: execution.id.clone(),
        requested: execution.requested.into(),
        cancelled: &execution.cancelled,
        observer: &publisher,
    };
    let has_inputs = plan.exec.inputs.is_some();
    let (run_permit, result) = match tenant.runtime.pull(plan, &context).await {
        Ok(plan) => match wait_to_run(&state, &tenant, &execution, &plan).await {
            Ok(permit) => (Some(permit), execute(&tenant, plan, &context).await),
            Err(error) => {
                tracing::info!(code = ?error.code, %error, detail = error.detail, "the execution did not run");
                (None, Err(Error { id: Some(execution.id.clone()), ..error }))
            }
        },
        Err(error) => (None, Err(error)),
    };
    state.metrics.record_execution(&result);
    if result.is_err() {
        Span::current().record("otel.status_code", "ERROR");
    }
    let frees_key = result.as_ref().is_err_and(|error| frees_key(error, has_inputs));
    let json = match result {
        Ok(report) => serialize(&state, report.into()).await,
        Err(error) => Err(error),
    };
    let bytes = json.as_ref().map_or(0, Vec::len);
    let is_kept = completion.complete(Completion { bytes, started: run_permit.is_some(), frees_key });
    // A kept outcome counts towards serve.kept_limit instead.
    let charge = run_permit.map(|permit| permit.charge).filter(|_| !is_kept).map(|mut charge| {
        charge.shrink_to(bytes as u64);
        charge
    });
    let result = match json {
        Ok(json) => ExecutionResult::Outcome(state.registry.track_charged(&tenant.name, json.into(), charge)),
        Err(error) => ExecutionResult::Problem(Arc::new(to_problem(error))),
    };
    // Before callers see the end: they may send the next request at once.
    drop(permit);
    publisher.end(result);
}

/// Whether a request with the same key may execute the program. A key covers the request without its streamed files,
/// so other files may not be refused.
fn frees_key(error: &Error, has_inputs: bool) -> bool {
    error.retryable || has_inputs && matches!(error.code, ErrorCode::InvalidRequest | ErrorCode::TooLarge)
}

async fn wait_to_run(
    state: &AppState,
    tenant: &Tenant,
    execution: &Execution,
    plan: &Plan,
) -> Result<RunPermit, Error> {
    let remaining_startup_time =
        plan.exec.limits.startup_time().saturating_sub(execution.requested.elapsed());
    let permit = tokio::select! {
        permit = tenant.admission.acquire_run(&tenant.outcome_memory, plan.exec.limits.outcome_memory()) => {
            permit.map_err(|closed| Error::internal("the sidecar starts no more executions", closed))?
        }
        () = execution.cancelled.cancelled() => {
            return Err(Error::new(ErrorCode::Cancelled, "the execution was cancelled while it was queued"));
        }
        () = sleep(state.config.queue_seconds.0.min(remaining_startup_time)) => {
            return Err(overloaded(
                "the execution was queued for longer than serve.queue_seconds; retry later or with lower output limits, \
                 or ask the operator to allow more executions at once (serve.max_runs, serve.output_memory)",
            ));
        }
    };
    // Checked again: outcomes may have been evicted unread while it was queued.
    state.registry.check_unread(&tenant.name)?;
    Ok(permit)
}

async fn execute(tenant: &Tenant, plan: Plan, context: &ExecutionContext<'_>) -> Result<Report, Error> {
    let queued = context.elapsed();
    let mut report = tenant.runtime.execute(plan, context).await?;
    report.timings.queued = Some(queued);
    Ok(report)
}
