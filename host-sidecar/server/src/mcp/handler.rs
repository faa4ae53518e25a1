//! The server's side of the protocol: one tool.

use super::{TOOL, defaults, outcome, progress, tool::tool};
use crate::{
    admission::Place,
    execution::{Caller, Feed},
    problem::{Refusal, of_error},
    run::{Asked, take_up},
    server::Server,
    telemetry,
    tenants::Tenant,
};
use axum::http::request::Parts;
use cofferdam_core::policy::Limits;
use cofferdam_http_api::Problem;
use cofferdam_types::quoted;
use cofferdam_types::{Error, ErrorCode, Request, RequestedLimits};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest, CustomResult, Implementation,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// The methods that are served in every revision, and have params that can be wrong.
const METHODS: [&str; 3] = ["server/discover", "tools/call", "tools/list"];

/// What is known of a message beside what the library has of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    /// Set when nobody waits for its answer any more.
    gone: CancellationToken,
    /// What is used up by the call.
    call: Arc<Mutex<Call>>,
}

#[derive(Debug, Default)]
struct Call {
    /// A place that was taken so that the message could be read.
    place: Option<Place>,
    /// What is asked for.
    request: Option<Result<Request, Error>>,
}

impl Message {
    pub(super) fn new(gone: CancellationToken, place: Option<Place>, request: Option<Result<Request, Error>>) -> Self {
        Self { gone, call: Arc::new(Mutex::new(Call { place, request })) }
    }

    fn take(&self) -> Call {
        std::mem::take(&mut *self.call.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Answers one client, or one tenant's.
#[derive(Clone)]
pub(super) struct Handler {
    server: Arc<Server>,
    tenant: Arc<Tenant>,
    limits: Limits,
    tool: Tool,
}

impl Handler {
    /// One for this tenant.
    pub(super) fn new(server: Arc<Server>, tenant: Arc<Tenant>) -> Self {
        let policy = tenant.sidecar.policy();
        let limits = defaults::limits(policy, &server.mcp);
        let tool = tool(policy, &limits);
        Self { server, tenant, limits, tool }
    }

    fn accept(
        &self,
        call: Call,
        wants_feed: bool,
        parent: opentelemetry::Context,
    ) -> Result<(Caller, Option<Feed>), Refusal> {
        let requested = Instant::now();
        self.server.refuse_if_ending()?;
        let place = call.place.map_or_else(|| self.tenant.admission.place(), Ok)?;
        let asked =
            call.request.unwrap_or_else(|| Err(Error::new(ErrorCode::Internal, "the call has no arguments")))?;
        let wall_time_ms = asked.limits.wall_time_ms;
        let limits = RequestedLimits { wall_time_ms, ..defaults::requested(&self.limits) };
        let plan = self.tenant.sidecar.plan(Request { limits, ..asked })?;
        let tenant = self.tenant.clone();
        let asked = Asked { tenant, plan, place, requested, key: None, detached: false, wants_feed, parent };
        take_up(&self.server, asked)
    }

    /// Runs the program, and waits for its end unless the client gives up before.
    async fn call(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        let parts = context.extensions.get::<Parts>();
        let parent = parts.map(|parts| telemetry::parent(&parts.headers)).unwrap_or_default();
        // With the head of its request over HTTP, by itself over standard input.
        let message = parts.and_then(|parts| parts.extensions.get()).or_else(|| context.extensions.get());
        let message: Message = message.cloned().unwrap_or_default();
        let progress = context.meta.get_progress_token();
        let (caller, feed) = match self.accept(message.take(), progress.is_some(), parent) {
            Ok(accepted) => accepted,
            Err(refusal) => return outcome::failed(&Problem::from(refusal)),
        };
        let answer = async {
            if let (Some(token), Some(feed)) = (progress, feed) {
                progress::tell(feed, &context.peer, &token).await;
            }
            caller.execution().answer().await
        };
        tokio::select! {
            answer = answer => match answer.outcome() {
                Ok(outcome) => outcome::ran(&outcome),
                Err(problem) => outcome::failed(&problem),
            },
            // The run is cancelled with its last caller, and ends by itself. Nobody reads this answer.
            () = context.ct.cancelled() => outcome::failed(&of_error(cancelled())),
            () = message.gone.cancelled() => outcome::failed(&of_error(cancelled())),
        }
    }
}

fn cancelled() -> Error {
    Error::new(ErrorCode::Cancelled, "the call was cancelled")
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
            let text = format!("there is no tool {}; there is {TOOL}", quoted(&request.name));
            return Err(ErrorData::invalid_params(text, None));
        }
        Ok(self.call(context).await.into())
    }

    /// What the library does not know, or knows by its method and not by its params.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = quoted(&request.method);
        Err(if METHODS.contains(&&*request.method) {
            ErrorData::invalid_params(format!("the params of {method} are not those of the protocol"), None)
        } else {
            ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, format!("there is no method {method}"), None)
        })
    }
}
