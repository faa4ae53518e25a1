//! `POST`: a program is run, at most once.

use super::{
    access::Noted,
    answer, body, convert,
    execution::{Caller, Execution, Feed},
    negotiate::{RESPOND_ASYNC, Wishes},
    problem::Refusal,
    registry::Begun,
    run::{Accepted, start},
    server::Server,
    stream::stream,
    tenants::Tenant,
};
use crate::telemetry;
use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use cofferdam_api::{EXECUTIONS, Event, Outcome, Problem};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Instant};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Runs a program and answers with what came of it. The caller hanging up cancels the run.
#[utoipa::path(
    post,
    path = "/v1/executions",
    tag = "executions",
    params(
        ("Accept" = Option<String>, Header, description = "`text/event-stream` for events while the run happens"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeated request with this key and the same body is \
         the same execution; up to 255 printable ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`respond-async` detaches the run from the connection"),
        ("cofferdam-version" = Option<String>, Header, description = "The version of the contract that the caller speaks"),
        ("traceparent" = Option<String>, Header, description = "The trace that the run is part of, as W3C Trace Context has it"),
    ),
    request_body = cofferdam_api::Request,
    responses(
        (status = 200, description = "The run took place", content(
            (Outcome = "application/json"),
            (Event = "text/event-stream"),
        )),
        (status = 202, description = "The run goes on; Location says where it is found", body = cofferdam_api::Execution),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The run did not take place, or its result is not known", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(super) async fn post(
    State(server): State<Arc<Server>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(noted): Extension<Noted>,
    request: Request,
) -> Result<Response, Refusal> {
    let requested = Instant::now();
    let (head, body) = request.into_parts();
    let wishes = Wishes::of(&head.headers)?;
    server.refuse_if_ending()?;
    // Taken before the body is read: what waits for a turn is in memory, and that is bounded.
    let place = tenant.admission.place()?;
    let body = body::read(body, server.bounds.body_limit.0, server.bounds.body_seconds.0).await?;
    let request = body::parse(&body)?;
    let digest = Sha256::digest(&body).into();
    drop(body);
    let plan = tenant.sidecar.plan(convert::request(request))?;
    // Whoever ends the sidecar sees the run from here on, or is seen here.
    let task = server.tasks.token();
    server.refuse_if_ending()?;
    let begun = server.registry.begin(wishes.key.clone(), digest, &tenant.name, || Execution::new(requested))?;
    let (execution, telling) = match begun {
        Begun::New(execution, telling) => (execution, Some(telling)),
        Begun::Same(execution) => (execution, None),
    };
    noted.execution(&execution.id);
    // Both before the run starts, so that nothing of it is missed and it is nobody's for no moment.
    let feed = if wishes.stream { execution.feed() } else { None };
    let caller = execution.attach(wishes.detached);
    match telling {
        Some(telling) => {
            let parent = telemetry::parent(&head.headers);
            start(&server, Accepted { tenant, execution: execution.clone(), telling, plan, place, parent });
        }
        // Who waits for another's run is in nobody's way.
        None => drop((plan, place)),
    }
    drop(task);
    Ok(respond(&execution, &wishes, caller, feed).await)
}

async fn respond(execution: &Execution, wishes: &Wishes, caller: Caller, feed: Option<Feed>) -> Response {
    if wishes.stream {
        return stream(caller, feed);
    }
    if wishes.detached {
        let location = format!("{EXECUTIONS}/{}", execution.id);
        let headers = [(header::LOCATION, location), (PREFERENCE_APPLIED, RESPOND_ASYNC.to_owned())];
        return (headers, answer(StatusCode::ACCEPTED, &execution.as_told())).into_response();
    }
    match &*execution.answer().await {
        Ok(outcome) => answer(StatusCode::OK, outcome),
        Err(problem) => Refusal::from(problem.clone()).into_response(),
    }
}
