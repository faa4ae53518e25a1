//! A run from its acceptance to its end: it waits for its turn, takes place, and is remembered for a while.

use super::{
    admission::{Place, overloaded},
    convert,
    execution::{Execution, Telling},
    problem,
    server::Server,
    tenants::Tenant,
};
use crate::{
    execution::{Error, ErrorCode, Report},
    policy::Plan,
    sandbox::Run,
};
use cofferdam_api::Outcome;
use std::sync::Arc;
use tokio::time::sleep;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Bytes of an outcome beside what the program has made.
const OVERHEAD: usize = 1024;

/// A run that is to take place.
pub(super) struct Accepted {
    pub(super) tenant: Arc<Tenant>,
    pub(super) execution: Arc<Execution>,
    pub(super) telling: Telling,
    pub(super) plan: Plan,
    pub(super) place: Place,
    /// The trace that it is part of.
    pub(super) parent: opentelemetry::Context,
}

/// Starts it. It goes on whoever waits for it; its caller's going sets its token.
pub(super) fn start(server: &Arc<Server>, accepted: Accepted) {
    let (id, tenant) = (&accepted.execution.id, &accepted.tenant.name);
    let span = tracing::info_span!("execution", id, tenant, otel.status_code = Empty);
    // Where nothing is exported, nothing has a parent.
    let _ = span.set_parent(accepted.parent.clone());
    let server = server.clone();
    server.tasks.clone().spawn(live(server, accepted).instrument(span));
}

async fn live(server: Arc<Server>, accepted: Accepted) {
    let Accepted { tenant, execution, telling, plan, place, parent: _ } = accepted;
    let result = take_place(&server, &tenant, &execution, &telling, plan).await;
    drop(place);
    server.metrics.ran(&result);
    if result.is_err() {
        Span::current().record("otel.status_code", "ERROR");
    }
    let may_be_tried_again = result.as_ref().is_err_and(|error| error.retryable);
    let answer = Arc::new(result.map(convert::outcome).map_err(problem::of_error));
    let size = OVERHEAD + answer.as_ref().as_ref().map_or(0, size);
    server.registry.ended(&execution.id, size, may_be_tried_again);
    telling.end(answer);
    // What is left to do is no work that an end would have to wait for.
    tokio::spawn(async move {
        sleep(server.bounds.kept_seconds.0).await;
        server.registry.forget(&execution.id);
    });
}

async fn take_place(
    server: &Server,
    tenant: &Tenant,
    execution: &Execution,
    telling: &Telling,
    plan: Plan,
) -> Result<Report, Error> {
    let fail = |error: Error| {
        tracing::info!(code = ?error.code, %error, "did not get a turn");
        Error { id: Some(execution.id.clone()), ..error }
    };
    let patience = plan.limits.startup_time.saturating_sub(execution.requested.elapsed());
    let _turn = tokio::select! {
        turn = tenant.admission.turn() => {
            turn.map_err(|_| fail(Error::new(ErrorCode::Internal, "there are no turns any more")))?
        }
        () = execution.cancelled.cancelled() => {
            return Err(fail(Error::new(ErrorCode::Cancelled, "the run was cancelled while it waited for its turn")));
        }
        () = sleep(server.bounds.queue_seconds.0.min(patience)) => {
            return Err(fail(overloaded("the run's turn did not come in time; try again when less is going on")));
        }
    };
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
