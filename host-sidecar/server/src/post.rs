//! `POST`: a program is run, at most once.

use super::{
    access::Noted,
    answer::Answer,
    body, convert,
    execution::{Caller, Feed},
    json_parts,
    negotiate::{RESPOND_ASYNC, Wishes},
    prefer::PREFERENCE_APPLIED,
    problem::Refusal,
    run::{Asked, take_up},
    server::Server,
    server_sent::ServerSentEvent,
    stream::stream,
    tenants::Tenant,
};
use crate::telemetry;
use axum::{
    Extension,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cofferdam_http_api::{EXECUTIONS, Outcome, Problem};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Instant};

/// Runs a program and answers with what came of it. The caller hanging up cancels the run.
#[utoipa::path(
    post,
    path = "/v1/executions",
    tag = "executions",
    params(
        ("Accept" = Option<String>, Header, example = "text/event-stream", description = "`application/json` for the outcome, \
         which is the default, or `text/event-stream` for events while the run happens: the one with the higher weight, and of \
         two with the same weight the one that is named. 406 where neither is allowed"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = r"^[!-~]([ -~]*[!-~])?$",
         example = "7f3c", description = "A repeated request with this key and the same body is the same execution; 1 to 255 \
         printable ASCII characters"),
        ("Prefer" = Option<String>, Header, example = "respond-async", description = "`respond-async` detaches the run from \
         the connection; other preferences say nothing here (RFC 7240)"),
        ("cofferdam-version" = Option<String>, Header, pattern = r"^0\.1(\.[0-9A-Za-z.-]+)?$", description = "The version of \
         the contract that the caller speaks"),
        ("traceparent" = Option<String>, Header, example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
         description = "The trace that the run is part of: a version, the trace's id, the parent's id and flags, in hexadecimal \
         digits (W3C Trace Context). One that is malformed says nothing"),
    ),
    request_body(content = cofferdam_http_api::Request, example = json!({ "code": "print(6*7)" })),
    responses(
        (status = 200, description = "The run took place", content(
            (Outcome = "application/json"),
            (ServerSentEvent = "text/event-stream"),
        )),
        (status = 202, description = "The run goes on; Location says where it is found", body = cofferdam_http_api::Execution),
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
    let bounds = &server.bounds;
    let held = body::read(body, bounds.body_limit.0, bounds.body_seconds.0, &tenant.budget).await?;
    let (key, planner) = (wishes.key.clone(), tenant.clone());
    // The place goes with the work, which does not end when the caller hangs up.
    let ((understood, mut place), charge) = held
        .understand(move |bytes| {
            let planned = body::parse(bytes).and_then(|request| {
                let plan = planner.sidecar.plan(convert::request(request))?;
                Ok((plan, key.map(|key| (key, <[u8; 32]>::from(Sha256::digest(bytes))))))
            });
            (planned, place)
        })
        .await?;
    place.keep(charge);
    let (plan, key) = understood?;
    let (detached, wants_feed, parent) = (wishes.detached, wishes.stream, telemetry::parent(&head.headers));
    let (caller, feed) = take_up(&server, Asked { tenant, plan, place, requested, key, detached, wants_feed, parent })?;
    noted.execution(&caller.execution().id);
    Ok(respond(&wishes, caller, feed).await)
}

async fn respond(wishes: &Wishes, caller: Caller, feed: Option<Feed>) -> Response {
    if wishes.stream {
        return stream(caller.execution().clone(), Some(caller), feed);
    }
    let execution = caller.execution();
    if wishes.detached {
        let location = format!("{EXECUTIONS}/{}", execution.id);
        let headers = [(header::LOCATION, location), (PREFERENCE_APPLIED, RESPOND_ASYNC.to_owned())];
        return (headers, json_parts(StatusCode::ACCEPTED, execution.to_json())).into_response();
    }
    match execution.answer().await {
        Answer::Ended(outcome) => json_parts(StatusCode::OK, vec![outcome]),
        Answer::Failed(problem) => Refusal::from((*problem).clone()).into_response(),
    }
}
