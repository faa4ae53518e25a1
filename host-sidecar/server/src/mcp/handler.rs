//! Handles the protocol's requests: lists and calls the tools.

use super::{
    TOOL,
    arguments::CallRequest,
    call_context::{Call, CallContext},
    defaults, host_files, progress, result,
    session_tools::{self, Caller, Definitions, SessionLife},
    tool::tool,
    tool_call::ToolCall,
};
use crate::admission::AdmissionPermit;
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
        ListToolsResult, PaginatedRequestParams, ProgressToken, ServerCapabilities, ServerConfig, Tool,
    },
    service::{Peer, RequestContext},
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
    tools: Arc<[Tool]>,
}

impl Handler {
    /// The tools of a tenant, with those for sessions if its runtime has sessions.
    pub(super) fn new(server: Arc<AppState>, tenant: Arc<Tenant>, life: SessionLife) -> Self {
        let (policy, config) = (tenant.runtime.policy(), &server.mcp);
        let limits = defaults::limits(policy, config);
        let has_sessions = tenant.runtime.has_sessions();
        let mut tools = vec![tool(policy, &limits, config.input_dir.is_some(), has_sessions)];
        if has_sessions {
            tools.extend(Definitions { policy, limits: &limits, config, life }.tools());
        }
        Self { server, tenant, limits, tools: tools.into() }
    }

    fn submit(
        &self,
        call: Result<CallRequest, Error>,
        permit: Option<AdmissionPermit>,
        wants_events: bool,
        parent: opentelemetry::Context,
    ) -> Result<(Waiter, Option<EventReceiver>), ApiError> {
        let requested = Instant::now();
        self.server.refuse_if_shutting_down()?;
        let permit = permit.map_or_else(|| self.tenant.admission.try_admit(), Ok)?;
        let CallRequest { request, host_files } = call?;
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

    /// Calls a tool and waits for the result, or until the client cancels the call or disconnects.
    async fn call(&self, tool: &str, context: RequestContext<RoleServer>) -> CallToolResult {
        let http_request = context.extensions.get::<Parts>();
        let parent = http_request.map(|parts| telemetry::parent(&parts.headers)).unwrap_or_default();
        // Over HTTP the context is an extension of the HTTP request, over stdio of the message.
        let call_context = match http_request {
            Some(parts) => parts.extensions.get(),
            None => context.extensions.get(),
        };
        let call_context: CallContext = call_context.cloned().unwrap_or_default();
        let progress = context.meta.get_progress_token().map(|token| (&context.peer, token));
        let Call { permit, call } = call_context.take_call();
        let no_arguments = || Err(Error::new(ErrorCode::Internal, "the call has no arguments"));
        let called = async {
            match call.unwrap_or_else(no_arguments) {
                Ok(ToolCall::Session(call)) => {
                    let (server, tenant) = (&self.server, &self.tenant);
                    let caller = Caller { server, tenant, parent, progress, permit };
                    session_tools::call(caller, call).await
                }
                Err(error) if tool != TOOL => session_tools::refused(error),
                Ok(ToolCall::Execute(call)) => self.execute(Ok(*call), permit, progress, parent).await,
                Err(error) => self.execute(Err(error), permit, progress, parent).await,
            }
        };
        // Dropping the call cancels an execution in the foreground. No client reads the result.
        tokio::select! {
            result = called => result,
            () = context.ct.cancelled() => cancelled(),
            () = call_context.disconnected.cancelled() => cancelled(),
        }
    }

    /// Executes the program and waits for its end. If the future is dropped, the execution is cancelled.
    async fn execute(
        &self,
        call: Result<CallRequest, Error>,
        permit: Option<AdmissionPermit>,
        progress: Option<(&Peer<RoleServer>, ProgressToken)>,
        parent: opentelemetry::Context,
    ) -> CallToolResult {
        let (caller, feed) = match self.submit(call, permit, progress.is_some(), parent) {
            Ok(submitted) => submitted,
            Err(refusal) => return result::failure(&Problem::from(refusal)),
        };
        if let (Some((peer, token)), Some(feed)) = (progress, feed) {
            progress::forward(feed, peer, &token).await;
        }
        match caller.execution().wait().await.outcome() {
            Ok(outcome) => result::success(outcome),
            Err(problem) => result::failure(&problem),
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
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.get_tool(&request.name).is_none() {
            let names: Vec<_> = self.tools.iter().map(|tool| &*tool.name).collect();
            let text = format!("unknown tool {}; there is {}", quoted(&request.name), names.join(", "));
            return Err(ErrorData::invalid_params(text, None));
        }
        Ok(self.call(&request.name, context).await.into())
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
