//! Handles the protocol's requests: lists and calls the tool.

use super::{
    TOOL,
    arguments::CallRequest,
    call_context::{Call, CallContext},
    defaults, host_files, progress, result,
    tool::tool,
};
use crate::{
    api_error::{ApiError, to_problem},
    executions::{EventReceiver, Waiter},
    executions::{Submission, submit},
    state::AppState,
    telemetry,
    tenants::Tenant,
};
use axum::http::request::Parts;
use cofferdam_core::policy::Limits;
use cofferdam_http_api::Problem;
use cofferdam_types::{Error, ErrorCode, Request, RequestedLimits, quoted};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest, CustomResult, Implementation,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use std::{sync::Arc, time::Instant};

/// The methods with params that are served in every revision of the protocol.
const METHODS: [&str; 3] = ["server/discover", "tools/call", "tools/list"];

/// Serves the clients of one tenant.
#[derive(Clone)]
pub(super) struct Handler {
    server: Arc<AppState>,
    tenant: Arc<Tenant>,
    limits: Limits,
    tool: Tool,
}

impl Handler {
    pub(super) fn new(server: Arc<AppState>, tenant: Arc<Tenant>) -> Self {
        let policy = tenant.runtime.policy();
        let limits = defaults::limits(policy, &server.mcp);
        let tool = tool(policy, &limits, server.mcp.input_dir.is_some());
        Self { server, tenant, limits, tool }
    }

    fn submit(
        &self,
        call: Call,
        wants_events: bool,
        parent: opentelemetry::Context,
    ) -> Result<(Waiter, Option<EventReceiver>), ApiError> {
        let requested = Instant::now();
        self.server.refuse_if_shutting_down()?;
        let permit = call.permit.map_or_else(|| self.tenant.admission.try_admit(), Ok)?;
        let CallRequest { request, host_files } = call
            .request
            .unwrap_or_else(|| Err(Error::new(ErrorCode::Internal, "the call has no arguments")))?;
        let wall_time_ms = request.limits.wall_time_ms;
        let limits = RequestedLimits { wall_time_ms, ..defaults::requested(&self.limits) };
        let mut plan = self.tenant.runtime.plan(Request { limits, ..request })?;
        plan.exec.inputs = host_files::inputs(host_files, self.server.mcp.input_dir.as_deref())?;
        let tenant = self.tenant.clone();
        submit(
            &self.server,
            Submission { tenant, plan, permit, requested, key: None, detached: false, wants_events, parent },
        )
    }

    /// Executes the program and waits for its end, or until the client cancels the call or disconnects.
    async fn call(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        let http_request = context.extensions.get::<Parts>();
        let parent = http_request.map(|parts| telemetry::parent(&parts.headers)).unwrap_or_default();
        // Over HTTP the context is an extension of the HTTP request, over stdio of the message.
        let call_context = match http_request {
            Some(parts) => parts.extensions.get(),
            None => context.extensions.get(),
        };
        let call_context: CallContext = call_context.cloned().unwrap_or_default();
        let progress_token = context.meta.get_progress_token();
        let submitted = self.submit(call_context.take_call(), progress_token.is_some(), parent);
        let (caller, feed) = match submitted {
            Ok(submitted) => submitted,
            Err(refusal) => return result::failure(&Problem::from(refusal)),
        };
        let answer = async {
            if let (Some(token), Some(feed)) = (progress_token, feed) {
                progress::forward(feed, &context.peer, &token).await;
            }
            caller.execution().wait().await
        };
        tokio::select! {
            answer = answer => match answer.outcome() {
                Ok(outcome) => result::success(outcome),
                Err(problem) => result::failure(&problem),
            },
            // Dropping the last caller cancels the execution. No client reads this result.
            () = context.ct.cancelled() => cancelled(),
            () = call_context.disconnected.cancelled() => cancelled(),
        }
    }
}

fn cancelled() -> CallToolResult {
    result::failure(&to_problem(Error::new(ErrorCode::Cancelled, "the call was cancelled")))
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("cofferdam", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![self.tool.clone()]))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == TOOL).then(|| self.tool.clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name != TOOL {
            let text = format!("unknown tool {}; there is {TOOL}", quoted(&request.name));
            return Err(ErrorData::invalid_params(text, None));
        }
        Ok(self.call(context).await.into())
    }

    /// Rejects a method that the library does not know, and params that it cannot parse.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = quoted(&request.method);
        Err(if METHODS.contains(&&*request.method) {
            ErrorData::invalid_params(format!("the params of {method} are not valid"), None)
        } else {
            ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, format!("unknown method {method}"), None)
        })
    }
}
