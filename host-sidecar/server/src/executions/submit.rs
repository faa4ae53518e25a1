//! Submission of a request: it starts an execution, or finds the one of an earlier request with the same key.

use super::{
    drive::{Job, drive},
    execution::{EventReceiver, Execution, Waiter},
    records::Digest,
    registry::{CompletionGuard, Entry},
};
use crate::{admission::AdmissionPermit, api_error::ApiError, state::AppState, tenants::Tenant};
use cofferdam_core::policy::Plan;
use std::{sync::Arc, time::Instant};
use tracing::{Instrument, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// An admitted request.
pub(crate) struct Submission {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) plan: Plan,
    pub(crate) permit: AdmissionPermit,
    /// When the request arrived.
    pub(crate) requested: Instant,
    /// The idempotency key, and the hash of the request's body.
    pub(crate) key: Option<(String, Digest)>,
    /// Whether the execution continues without its callers.
    pub(crate) detached: bool,
    /// Whether the caller wants its events.
    pub(crate) wants_events: bool,
    /// The caller's trace.
    pub(crate) parent: opentelemetry::Context,
}

/// Starts the execution of a request, or finds the one of an earlier request with the same key. The execution
/// is a task of its own; it is cancelled when the last waiter is dropped, unless it is detached.
pub(crate) fn submit(
    state: &Arc<AppState>,
    submission: Submission,
) -> Result<(Waiter, Option<EventReceiver>), ApiError> {
    let Submission { tenant, plan, permit, requested, key, detached, wants_events, parent } = submission;
    // The shutdown either waits for this token, or is noticed here.
    let token = state.tasks.token();
    state.refuse_if_shutting_down()?;
    let (key, digest) = key.map_or_else(|| (None, Digest::default()), |(key, digest)| (Some(key), digest));
    let entry =
        state.registry.get_or_insert(key, digest, &tenant.name, detached, || Execution::new(requested))?;
    let (execution, publisher) = match entry {
        Entry::Created(execution, publisher) => (execution, Some(publisher)),
        Entry::Existing(execution) => (execution, None),
    };
    // Both before the execution starts: it then misses no event, and always has a waiter.
    let events = if wants_events { execution.subscribe() } else { None };
    let waiter = execution.attach(detached);
    if let Some(publisher) = publisher {
        let completion = CompletionGuard::new(&state.registry, &execution.id);
        start(state, Job { tenant, execution, completion, publisher, plan, permit }, parent);
    }
    drop(token);
    Ok((waiter, events))
}

fn start(state: &Arc<AppState>, job: Job, parent: opentelemetry::Context) {
    let (id, tenant) = (&job.execution.id, &job.tenant.name);
    let span = tracing::info_span!("execution", id, tenant, otel.status_code = Empty);
    // Fails if traces are not exported.
    let _ = span.set_parent(parent);
    state.start_expiry();
    state.tasks.spawn(drive(state.clone(), job).instrument(span));
}
