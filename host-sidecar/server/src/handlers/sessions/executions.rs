//! `/v1/sessions/{id}/executions`: starts and lists executions. The running ones are the processes of a session that
//! its caller has started.

use crate::{
    api_error::ApiError,
    executions::shared_outcome,
    middleware::access_log::RequestContext,
    request::{json_body::JsonBody, negotiate},
    response::{
        event_schema::SessionEventSchema,
        execution_events,
        json::{self, Json},
    },
    sessions::{self, CallersExecution, SessionById, execution_spec, execution_to_json},
    state::AppState,
    telemetry,
    tenants::Tenant,
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use cofferdam_http_api::{
    Outcome, Problem,
    session::{ExecutionRequest, SESSIONS, SessionExecution, SessionExecutions},
};
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;

/// Executes a program in a session. The execution is killed if the caller disconnects, unless it is in the background.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/executions",
    tag = "session executions",
    params(
        ("id" = String, Path, description = "The id of the session"),
        ("Accept" = Option<String>, Header, example = "text/event-stream", description = "`application/json` (the \
         default) for the outcome, or `text/event-stream` for events during the execution"),
    ),
    request_body(content = ExecutionRequest, example = json!({ "shell": "python3 -c 'print(6*7)'" })),
    responses(
        (status = 200, description = "The program was executed", content(
            (Outcome = "application/json"),
            (SessionEventSchema = "text/event-stream"),
        )),
        (status = 202, description = "Its program has started and runs in the background; the header Location has its \
         address", body = SessionExecution),
        (status = "4XX", description = "The request is refused. 409: the session has an execution with this id, or the \
         program cannot be started in it. 410: the session has ended, and why. 429: too many executions are running", body = Problem,
         content_type = "application/problem+json"),
        (status = "5XX", description = "The program was not executed, or its result is unknown", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn start(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    by_id: SessionById,
    headers: HeaderMap,
    JsonBody { value, .. }: JsonBody<ExecutionRequest>,
) -> Result<Response, ApiError> {
    let wants_events = negotiate::accepts_stream(&headers)?;
    let spec = execution_spec(value)?;
    state.refuse_if_shutting_down()?;
    let (tenant, session, background) = (by_id.tenant.clone(), by_id.session.info().id, spec.background);
    let execution = sessions::start(&state, by_id, spec, telemetry::parent(&headers)).await?;
    let info = execution.info();
    context.set_execution(&info.id);
    if background {
        let location = format!("{SESSIONS}/{session}/executions/{}", info.id);
        execution.release();
        let body = Json(execution_to_json(info));
        return Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response());
    }
    if wants_events {
        let output = execution.output(0);
        return Ok(execution_events::response(&state, execution_to_json(info), output, Some(execution)));
    }
    outcome(&state, &tenant, execution).await
}

async fn outcome(
    state: &AppState,
    tenant: &Tenant,
    mut execution: CallersExecution,
) -> Result<Response, ApiError> {
    let report = sessions::within_grace(state, execution.report()).await?;
    let json = shared_outcome(state, tenant, report, execution.take_charge()).await?;
    state.metrics.sessions.sent(json.len());
    Ok(json::response(StatusCode::OK, vec![json]))
}

/// Lists the executions of a session: those that are running, with their processes, and the last ones that have ended.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/executions",
    tag = "session executions",
    params(("id" = String, Path, description = "The id of the session")),
    responses(
        (status = 200, description = "The executions, sorted by their start", body = SessionExecutions),
        (status = "4XX", description = "The caller has no such session, or it has ended", body = Problem,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(SessionById { session, .. }: SessionById) -> Json<SessionExecutions> {
    Json(SessionExecutions { executions: session.executions().into_iter().map(execution_to_json).collect() })
}
