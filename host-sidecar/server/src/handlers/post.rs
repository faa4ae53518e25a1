//! `POST /v1/executions`: executes a program, at most once.

use crate::{
    api_error::ApiError,
    convert,
    executions::{EventReceiver, ExecutionResult, Submission, Waiter, submit},
    middleware::access_log::RequestContext,
    request::{
        body,
        negotiate::{Preferences, RESPOND_ASYNC},
        parts::Parts,
        prefer::PREFERENCE_APPLIED,
    },
    response::{event_schema::ServerSentEvent, event_stream, json},
    state::AppState,
    telemetry,
    tenants::Tenant,
};
use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use cofferdam_core::{Inputs, policy::Plan};
use cofferdam_http_api::{EXECUTIONS, Outcome, Problem};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Instant};

/// Executes a program and returns its outcome. The execution is cancelled if the caller disconnects.
///
/// A body of the type `multipart/form-data` streams files into the working directory. The limit `disk_bytes` is the
/// only limit on their size. The response follows the last part. An idempotency key covers the part `request` alone.
#[utoipa::path(
    post,
    path = "/v1/executions",
    tag = "executions",
    params(
        ("Accept" = Option<String>, Header, example = "text/event-stream", description = "`application/json` (the \
         default) for the outcome, or `text/event-stream` for events during the execution. The type with the higher \
         weight is sent; at equal weight, the type that the header names. 406 if it allows neither"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
         pattern = r"^[!-~]([ -~]*[!-~])?$", example = "7f3c", description = "Requests with the same key and the same \
         body are one execution; 1 to 255 printable ASCII characters"),
        ("Prefer" = Option<String>, Header, example = "respond-async", description = "`respond-async` detaches the \
         execution from the connection; other preferences are ignored (RFC 7240)"),
        ("cofferdam-version" = Option<String>, Header, pattern = r"^0\.1(\.[0-9A-Za-z.-]+)?$", description = "The \
         version of the API that the caller uses"),
        ("traceparent" = Option<String>, Header, example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
         description = "The caller's trace: version, trace id, parent id and flags in hexadecimal digits (W3C Trace \
         Context). A malformed value is ignored"),
    ),
    request_body(content = cofferdam_http_api::Request, example = json!({ "code": "print(6*7)" })),
    responses(
        (status = 200, description = "The program was executed", content(
            (Outcome = "application/json"),
            (ServerSentEvent = "text/event-stream"),
        )),
        (status = 202, description = "The execution continues; the header Location has its address",
         body = cofferdam_http_api::Execution),
        (status = "4XX", description = "The request is refused", body = Problem,
         content_type = "application/problem+json"),
        (status = "5XX", description = "The program was not executed, or its result is unknown", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, ApiError> {
    let requested = Instant::now();
    let (head, body) = request.into_parts();
    let preferences = Preferences::from_headers(&head.headers)?;
    state.refuse_if_shutting_down()?;
    // Admitted before the body is read: bodies of queued executions are in memory, so their number must be
    // limited.
    let permit = tenant.admission.try_admit()?;
    let (limit, time) = (state.config.body_limit.0, state.config.body_seconds.0);
    let (received, parts) = match &preferences.boundary {
        Some(boundary) => {
            let mut parts = Parts::new(body, boundary);
            (parts.read_request(limit, time, &tenant.request_memory).await?, Some(parts))
        }
        None => (body::read(body, limit, time, &tenant.request_memory).await?, None),
    };
    let (planner, has_files) = (tenant.clone(), parts.is_some());
    // The work holds the permit: it continues if the caller disconnects.
    let work = move |body: &[u8]| (plan(&planner, body, has_files), permit);
    let ((planned, mut permit), charge) = received.process(work).await?;
    permit.hold(charge);
    let (mut plan, digest) = planned?;
    let transfer = parts.map(|parts| {
        let (sender, inputs) = Inputs::channel();
        plan.exec.inputs = Some(inputs);
        tokio::spawn(parts.send(sender))
    });
    let submission = Submission {
        tenant,
        plan,
        permit,
        requested,
        key: preferences.key.clone().map(|key| (key, digest)),
        detached: preferences.detached,
        wants_events: preferences.stream,
        parent: telemetry::parent(&head.headers),
    };
    let (waiter, events) = submit(&state, submission)?;
    context.set_execution(&waiter.execution().id);
    if let Some(transfer) = transfer {
        // Many callers read no response before they have sent their body. It ends with the execution, if not before.
        let _ = transfer.await;
    }
    Ok(respond(&preferences, waiter, events).await)
}

/// Plans the execution of a body, and hashes the body. The files that follow it are not known yet.
fn plan(tenant: &Tenant, body: &[u8], has_files: bool) -> Result<(Plan, [u8; 32]), ApiError> {
    let plan = tenant.runtime.plan(convert::request(body::parse(body)?))?;
    // No JSON ends with this byte.
    let files: &[u8] = if has_files { &[0] } else { &[] };
    Ok((plan, Sha256::new().chain_update(body).chain_update(files).finalize().into()))
}

async fn respond(preferences: &Preferences, waiter: Waiter, events: Option<EventReceiver>) -> Response {
    if preferences.stream {
        return event_stream::response(waiter.execution().clone(), Some(waiter), events);
    }
    let execution = waiter.execution();
    if preferences.detached {
        let location = format!("{EXECUTIONS}/{}", execution.id);
        let headers = [(header::LOCATION, location), (PREFERENCE_APPLIED, RESPOND_ASYNC.to_owned())];
        return (headers, json::response(StatusCode::ACCEPTED, execution.to_json())).into_response();
    }
    match execution.wait().await {
        ExecutionResult::Outcome(json) => json::response(StatusCode::OK, vec![json]),
        ExecutionResult::Problem(problem) => ApiError::from((*problem).clone()).into_response(),
    }
}
