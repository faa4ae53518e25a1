//! Executes the calls of the tools for sessions.

use super::{SessionCall, output_part, results};
use crate::{
    admission::AdmissionPermit,
    api_error::{ApiError, to_problem},
    mcp::{progress, result},
    sessions::{self, SessionById, entry_to_json},
    state::AppState,
    tenants::Tenant,
};
use axum::body::Bytes;
use cofferdam_core::session::{ExecutionSpec, Session, SessionRequest};
use cofferdam_http_api::{Outcome, Problem};
use cofferdam_types::Error;
use rmcp::{
    RoleServer,
    model::{CallToolResult, ProgressToken},
    service::Peer,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Bytes of output that a call returns at least, whatever the settings are: it makes progress.
const MIN_PART: usize = 1024;

/// Who calls, and what its call holds.
pub(in crate::mcp) struct Caller<'a> {
    pub(in crate::mcp) server: &'a Arc<AppState>,
    pub(in crate::mcp) tenant: &'a Arc<Tenant>,
    pub(in crate::mcp) parent: opentelemetry::Context,
    /// Where the output of a command is sent while it runs.
    pub(in crate::mcp) progress: Option<(&'a Peer<RoleServer>, ProgressToken)>,
    /// Holds the memory of a large message.
    pub(in crate::mcp) permit: Option<AdmissionPermit>,
}

/// Executes a call. If the future is dropped, a command in the foreground is killed, and the session stays.
pub(in crate::mcp) async fn call(caller: Caller<'_>, call: SessionCall) -> CallToolResult {
    let runs_program = matches!(call, SessionCall::Run { .. });
    let failed = if runs_program { result::failure } else { results::call_failure };
    let called = match call {
        SessionCall::Open(request) => caller.open(*request).await,
        SessionCall::Run { session, spec } => caller.run(&session, *spec).await,
        SessionCall::ReadOutput { session, execution, position, wait } => {
            caller.read_output(&session, &execution, position, wait).await
        }
        SessionCall::WriteFile { session, path, content } => caller.write_file(&session, path, content).await,
        SessionCall::ReadFile { session, path } => caller.read_file(&session, path).await,
        SessionCall::ListFiles { session, path, depth } => caller.list_files(&session, &path, depth).await,
        SessionCall::Close { session } => caller.close(&session).await,
    };
    called.unwrap_or_else(|error| failed(&Problem::from(error)))
}

impl Caller<'_> {
    /// The tenant's session. One of another tenant is as if it never was.
    fn session(&self, id: &str) -> Result<Session, Error> {
        self.tenant.runtime.session(id)
    }

    /// Bytes of each stream that a call returns.
    fn max_output(&self) -> usize {
        usize::try_from(self.server.mcp.output_limit.0).unwrap_or(usize::MAX)
    }

    async fn open(self, request: SessionRequest) -> Result<CallToolResult, ApiError> {
        self.server.refuse_if_shutting_down()?;
        let (session, is_new) =
            sessions::open(self.server, self.tenant.clone(), request, None, self.parent).await?;
        Ok(results::session(session.info(), is_new, SystemTime::now()))
    }

    async fn run(self, id: &str, mut spec: ExecutionSpec) -> Result<CallToolResult, ApiError> {
        let session = self.session(id)?;
        self.server.refuse_if_shutting_down()?;
        let is_background = spec.background;
        if !is_background {
            let limit = session.info().limits.output_bytes;
            spec.limits.output_bytes = Some(limit.min(self.server.mcp.output_limit.0));
        }
        let by_id = SessionById { session, tenant: self.tenant.clone() };
        let execution = sessions::start(self.server, by_id, spec, self.parent).await?;
        drop(self.permit);
        if is_background {
            return Ok(results::started(execution.release().info()));
        }
        let report = async {
            if let Some((peer, token)) = self.progress {
                progress::forward_output(execution.output(0), peer, &token).await;
            }
            execution.report().await
        };
        let outcome = Outcome::from(sessions::within_grace(self.server, report).await?);
        self.server.metrics.sessions.sent(outcome.stdout.content.0.len() + outcome.stderr.content.0.len());
        Ok(result::success(outcome))
    }

    async fn read_output(
        self,
        id: &str,
        execution: &str,
        position: u64,
        wait: Duration,
    ) -> Result<CallToolResult, ApiError> {
        let execution = self.session(id)?.execution(execution)?;
        let max = self.max_output().max(MIN_PART);
        let part = tokio::select! {
            part = output_part::read(&execution, position, wait, max) => part?,
            // It waits no longer, and returns what there is.
            () = self.server.shutting_down.cancelled() => {
                output_part::read(&execution, position, Duration::ZERO, max).await?
            }
        };
        self.server.metrics.sessions.sent(part.stdout.0.len() + part.stderr.0.len());
        Ok(results::output(part))
    }

    async fn write_file(self, id: &str, path: String, content: Vec<u8>) -> Result<CallToolResult, ApiError> {
        let size = content.len();
        let mut writer = self.session(id)?.files().write(path.as_bytes(), None).await?;
        self.server.metrics.sessions.received(size);
        writer.write(Bytes::from(content)).await?;
        writer.finish().await?;
        Ok(results::written(path, size))
    }

    async fn read_file(self, id: &str, path: String) -> Result<CallToolResult, ApiError> {
        let max = usize::try_from(self.server.mcp.collected_limit.0).unwrap_or(usize::MAX);
        let session = self.session(id)?;
        // As for the files of other calls: they are in memory twice while the result is made.
        let closed = |error| Error::internal("the sidecar returns no more files", error);
        let memory = self.server.mcp.collected_limit.0.saturating_mul(2);
        let _charge = self.tenant.outcome_memory.acquire(memory).await.map_err(closed)?;
        let (_, mut reader) = session.files().read(path.as_bytes()).await?;
        let mut content = Vec::new();
        while content.len() <= max
            && let Some(bytes) = reader.next().await?
        {
            content.extend_from_slice(&bytes);
        }
        let is_truncated = content.len() > max;
        content.truncate(max);
        self.server.metrics.sessions.sent(content.len());
        Ok(results::file(id, path, content, is_truncated))
    }

    async fn list_files(self, id: &str, path: &str, depth: u32) -> Result<CallToolResult, ApiError> {
        let mut entries = self.session(id)?.files().list(path.as_bytes(), depth).await?;
        let total = entries.len();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        entries.truncate(results::MAX_LISTED_ENTRIES);
        let entries: Vec<_> = entries.iter().map(entry_to_json).collect();
        Ok(results::entries(path, &entries, total))
    }

    async fn close(self, id: &str) -> Result<CallToolResult, ApiError> {
        sessions::close(self.session(id)?).await?;
        Ok(results::closed(id))
    }
}

/// A call whose arguments are not valid.
pub(in crate::mcp) fn refused(error: Error) -> CallToolResult {
    results::call_failure(&to_problem(error))
}
