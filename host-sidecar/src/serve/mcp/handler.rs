//! The server's side of the protocol: one tool.

use super::{TOOL, arguments, defaults, outcome, progress, tool::tool};
use crate::{
    execution::Error,
    policy::Limits,
    serve::{
        admission::Place,
        execution::{Caller, Feed},
        problem::{Refusal, of_error},
        run::{Asked, take_up},
        server::Server,
        tenants::Tenant,
    },
    telemetry,
};
use axum::http::request::Parts;
use cofferdam_api::Problem;
use cofferdam_contract::quoted;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What is known of a message beside what it says.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Set when nobody waits for its answer any more.
    pub(super) gone: CancellationToken,
    /// A place that was taken so that it could be read.
    pub(super) place: Arc<Mutex<Option<Place>>>,
}

/// Answers one client, or one tenant's.
#[derive(Clone)]
pub(super) struct Handler {
    server: Arc<Server>,
    tenant: Arc<Tenant>,
    limits: Limits,
    tool: Tool,
    /// Set when the client is gone.
    gone: CancellationToken,
}

impl Handler {
    /// One for this tenant, until `gone` is set.
    pub(super) fn new(server: Arc<Server>, tenant: Arc<Tenant>, gone: CancellationToken) -> Self {
        let policy = tenant.sidecar.policy();
        let limits = defaults::limits(policy, &server.mcp);
        let tool = tool(policy, &limits);
        Self { server, tenant, limits, tool, gone }
    }

    fn accept(
        &self,
        arguments: JsonObject,
        place: Option<Place>,
        wants_feed: bool,
        parent: opentelemetry::Context,
    ) -> Result<(Caller, Option<Feed>), Refusal> {
        let requested = Instant::now();
        self.server.refuse_if_ending()?;
        let place = place.map_or_else(|| self.tenant.admission.place(), Ok)?;
        let plan = self.tenant.sidecar.plan(arguments::request(arguments, &self.limits)?)?;
        let tenant = self.tenant.clone();
        let asked = Asked { tenant, plan, place, requested, key: None, detached: false, wants_feed, parent };
        take_up(&self.server, asked)
    }

    /// Runs the program, and waits for its end unless the client gives up before.
    async fn call(&self, arguments: JsonObject, context: RequestContext<RoleServer>) -> CallToolResult {
        let parts = context.extensions.get::<Parts>();
        let parent = parts.map(|parts| telemetry::parent(&parts.headers)).unwrap_or_default();
        let message = parts.and_then(|parts| parts.extensions.get::<Message>());
        let place = message.and_then(|message| message.place.lock().unwrap_or_else(PoisonError::into_inner).take());
        let gone = message.map_or(&self.gone, |message| &message.gone);
        let progress = context.meta.get_progress_token();
        let (caller, feed) = match self.accept(arguments, place, progress.is_some(), parent) {
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
            answer = answer => match &*answer {
                Ok(outcome) => outcome::ran(outcome),
                Err(problem) => outcome::failed(problem),
            },
            // The run is cancelled with its last caller, and ends by itself. Nobody reads this answer.
            () = context.ct.cancelled() => outcome::failed(&of_error(cancelled())),
            () = gone.cancelled() => outcome::failed(&of_error(cancelled())),
        }
    }
}

fn cancelled() -> Error {
    Error::new(crate::execution::ErrorCode::Cancelled, "the call was cancelled")
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
        Ok(self.call(request.arguments.unwrap_or_default(), context).await.into())
    }
}
