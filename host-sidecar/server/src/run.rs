//! A run from its acceptance to its end: it waits for its turn, takes place, and is remembered for a while.

use super::{
    admission::{Place, Turn, overloaded},
    answer::Answer,
    execution::{Caller, Execution, Feed, Telling},
    problem::{self, Refusal},
    records::{Digest, Ending},
    registry::{Begun, Unended},
    server::Server,
    tenants::Tenant,
};
use cofferdam_core::{Run, policy::Plan};
use cofferdam_http_api::Outcome;
use cofferdam_types::{Error, ErrorCode, Report};
use std::{sync::Arc, time::Instant};
use tokio::{task::spawn_blocking, time::sleep};
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// An outcome of more bytes takes so long to serialise that others would wait for it.
const LARGE: usize = 256 << 10;

/// A run that somebody asks for.
pub(super) struct Asked {
    pub(super) tenant: Arc<Tenant>,
    pub(super) plan: Plan,
    pub(super) place: Place,
    pub(super) requested: Instant,
    /// The idempotency key, and the hash of the body that came with it.
    pub(super) key: Option<(String, Digest)>,
    /// Whether it goes on without its callers.
    pub(super) detached: bool,
    /// Whether the caller wants to hear of it while it happens.
    pub(super) wants_feed: bool,
    /// The trace that it is part of.
    pub(super) parent: opentelemetry::Context,
}

/// A run that is to take place.
struct Accepted {
    tenant: Arc<Tenant>,
    execution: Arc<Execution>,
    /// Before what answers the callers, so that its end is noted when they hear of it.
    unended: Unended,
    telling: Telling,
    plan: Plan,
    place: Place,
    parent: opentelemetry::Context,
}

/// Starts a run, or finds the one that an earlier request with the same key has started. It goes on whoever waits for it; its
/// last caller's going sets its token.
pub(super) fn take_up(server: &Arc<Server>, asked: Asked) -> Result<(Caller, Option<Feed>), Refusal> {
    let Asked { tenant, plan, place, requested, key, detached, wants_feed, parent } = asked;
    // Whoever ends the sidecar sees the run from here on, or is seen here.
    let task = server.tasks.token();
    server.refuse_if_ending()?;
    let (key, digest) = key.map_or_else(|| (None, Digest::default()), |(key, digest)| (Some(key), digest));
    let begun = server.registry.begin(key, digest, &tenant.name, detached, || Execution::new(requested))?;
    let (execution, telling) = match begun {
        Begun::New(execution, telling) => (execution, Some(telling)),
        Begun::Same(execution) => (execution, None),
    };
    // Both before the run starts, so that nothing of it is missed and it is nobody's for no moment.
    let feed = if wants_feed { execution.feed() } else { None };
    let caller = execution.attach(detached);
    match telling {
        Some(telling) => {
            let unended = Unended::new(&server.registry, &execution.id);
            start(server, Accepted { tenant, execution, unended, telling, plan, place, parent });
        }
        // Who waits for another's run is in nobody's way.
        None => drop((plan, place)),
    }
    drop(task);
    Ok((caller, feed))
}

fn start(server: &Arc<Server>, accepted: Accepted) {
    let (id, tenant) = (&accepted.execution.id, &accepted.tenant.name);
    let span = tracing::info_span!("execution", id, tenant, otel.status_code = Empty);
    // Where nothing is exported, nothing has a parent.
    let _ = span.set_parent(accepted.parent.clone());
    server.forget_in_time();
    let server = server.clone();
    server.tasks.clone().spawn(live(server, accepted).instrument(span));
}

async fn live(server: Arc<Server>, accepted: Accepted) {
    let Accepted { tenant, execution, telling, unended, plan, place, parent: _ } = accepted;
    let turn = wait_for_turn(&server, &tenant, &execution, &plan).await;
    let result = match &turn {
        Ok(_) => take_place(&tenant, &execution, &telling, plan).await,
        Err(error) => {
            tracing::info!(code = ?error.code, %error, detail = error.detail, "did not get a turn");
            Err(Error { id: Some(execution.id.clone()), ..error.clone() })
        }
    };
    server.metrics.ran(&result);
    if result.is_err() {
        Span::current().record("otel.status_code", "ERROR");
    }
    let retryable = result.as_ref().is_err_and(|error| error.retryable);
    let json = match result {
        Ok(report) => serialise(&server, report.into()).await,
        Err(error) => Err(error),
    };
    let bytes = json.as_ref().map_or(0, Vec::len);
    let is_kept = unended.end(Ending { bytes, started: turn.is_ok(), retryable });
    // What is kept has a bound of its own.
    let charge = turn.ok().map(|turn| turn.charge).filter(|_| !is_kept).map(|mut charge| {
        charge.lower(bytes as u64);
        charge
    });
    let answer = match json {
        Ok(json) => Answer::Ended(server.registry.hold_charged(&tenant.name, json.into(), charge)),
        Err(error) => Answer::Failed(Arc::new(problem::of_error(error))),
    };
    // Before the caller hears of it, who may send the next request at once.
    drop(place);
    telling.end(answer);
}

/// The outcome in the one form that is kept of it.
async fn serialise(server: &Server, outcome: Outcome) -> Result<Vec<u8>, Error> {
    let (id, size) = (outcome.id.clone(), size(&outcome));
    let to_json = move || {
        // No byte is more than two; what is not written to takes no memory.
        let mut json = Vec::with_capacity(2 * size + 1024);
        serde_json::to_writer(&mut json, &outcome).map(|()| {
            json.shrink_to_fit();
            json
        })
    };
    let json = if size < LARGE {
        Ok(to_json())
    } else {
        let _one = server.serialising.acquire().await;
        spawn_blocking(to_json).await
    };
    let failed = |detail: String| {
        tracing::warn!(id, detail, "the outcome could not be serialised");
        let error = Error::internal("the outcome could not be serialised", detail);
        Error { id: Some(id), ..error }
    };
    match json {
        Ok(Ok(json)) => Ok(json),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

async fn wait_for_turn(server: &Server, tenant: &Tenant, execution: &Execution, plan: &Plan) -> Result<Turn, Error> {
    let patience = plan.limits.startup_time.saturating_sub(execution.requested.elapsed());
    let turn = tokio::select! {
        turn = tenant.admission.turn(&tenant.output, plan.limits.outcome_memory()) => {
            turn.map_err(|closed| Error::internal("the sidecar starts no more runs", closed))?
        }
        () = execution.cancelled.cancelled() => {
            return Err(Error::new(ErrorCode::Cancelled, "the run was cancelled while it waited for its turn"));
        }
        () = sleep(server.bounds.queue_seconds.0.min(patience)) => {
            return Err(overloaded(
                "the execution's turn did not come within serve.queue_seconds; send the request again when less is going on, \
                 with lower limits of output, or ask the operator for more executions at once (serve.max_runs, \
                 serve.output_memory)",
            ));
        }
    };
    // It may have waited for longer than its tenant's callers have read.
    server.registry.check_unread(&tenant.name)?;
    Ok(turn)
}

async fn take_place(tenant: &Tenant, execution: &Execution, telling: &Telling, plan: Plan) -> Result<Report, Error> {
    let queued = execution.requested.elapsed();
    let run = Run {
        id: execution.id.clone(),
        requested: execution.requested,
        cancelled: &execution.cancelled,
        observer: telling,
    };
    let mut report = tenant.sidecar.carry_out(plan, &run).await?;
    report.timings.queued = Some(queued);
    Ok(report)
}

fn size(outcome: &Outcome) -> usize {
    let files = outcome.files.iter().map(|file| file.path.len() + file.content.0.len());
    let skipped = outcome.skipped.iter().map(|file| file.path.len() + file.reason.len());
    outcome.stdout.content.0.len() + outcome.stderr.content.0.len() + files.chain(skipped).sum::<usize>()
}
