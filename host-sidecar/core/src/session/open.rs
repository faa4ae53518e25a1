//! Sessions of a runtime.

use super::{
    Ended, Session, SessionConfig, SessionInfo, SessionRequest,
    connection::{Connection, open},
    errors,
    executions::Executions,
    id::{new_session_id, short_session_id},
    life::Life,
    policy::SessionPlan,
    registry::{Found, Sessions, ends},
    shared::{Shared, State},
    task::SessionTask,
};
use crate::{
    Backend, ExecutionContext, NoObserver, Runtime,
    backend::{SessionClaim, SessionReader, SessionSandbox, SessionWriter},
    id::new_id,
    pipeline,
    policy::Plan,
    pool::Pool,
    runtime::failed,
    spec::ExecSpec,
};
use cofferdam_protocol::Deadlines;
use cofferdam_types::{Error, ErrorCode};
use scopeguard::ScopeGuard;
use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// The permission bits of a working directory that is made.
const WORKING_DIR_MODE: u32 = 0o755;

impl Runtime {
    /// The same with sessions, if its backend has them. A maximum of zero is none.
    #[must_use]
    pub fn with_sessions(mut self, config: SessionConfig) -> Self {
        let has_sessions = self.backend.has_sessions() && config.max_sessions > 0;
        self.sessions = has_sessions.then(|| Arc::new(Sessions::new(config)));
        self
    }

    /// The same with so many sessions of its tenant at once, in place of [`SessionConfig::max_sessions_per_tenant`].
    #[must_use]
    pub fn with_max_sessions(mut self, maximum: u32) -> Self {
        self.max_sessions = Some(maximum);
        self
    }

    /// Whether it has sessions.
    #[must_use]
    pub fn has_sessions(&self) -> bool {
        self.sessions.is_some()
    }

    /// Opens a session; says also whether it was created. If the tenant has a session of the requested name, it is
    /// given instead. If the caller drops the future, nothing is left behind.
    ///
    /// # Errors
    ///
    /// The policy or a quota refuses the request, a session of its name has other settings, no sandbox can be created, or
    /// its working directory neither exists nor can be made.
    pub async fn open_session(&self, request: SessionRequest) -> Result<(Session, bool), Error> {
        let sessions = self.sessions.as_ref().ok_or_else(unsupported)?;
        let requested = Instant::now();
        let mut plan = SessionPlan::new(&self.policy, &request, &sessions.config)?;
        plan.sandbox.tenant.clone_from(&self.tenant);
        let maximum = self.max_sessions.unwrap_or(sessions.config.max_sessions_per_tenant);
        let found = sessions.find_or_reserve(&self.tenant, &request, plan.memory(), maximum).await?;
        let ticket = match found {
            Found::Session(shared) => {
                shared.request()?;
                return Ok((Session::new(shared, sessions), false));
            }
            Found::Ticket(ticket) => ticket,
        };
        let cancelled = &sessions.closing;
        let context = ExecutionContext { id: new_id(), requested, cancelled, observer: &NoObserver };
        let opened = self.open(&mut plan, &context).await.map_err(|error| {
            let error = if cancelled.is_cancelled() { ends() } else { error };
            failed(&context.id, error)
        })?;
        let (connection, queued) = Connection::new(sessions.config.max_executions);
        let life = Life::new(&plan.times, SystemTime::now(), Instant::now());
        let state = State { life, metadata: request.metadata.clone(), executions: Executions::default() };
        let shared = Arc::new(Shared {
            id: new_session_id(),
            log_id: context.id,
            tenant: self.tenant.clone(),
            request,
            plan,
            policy: self.policy.clone(),
            config: sessions.config.clone(),
            is_warm: opened.is_warm,
            connection,
            state: Mutex::new(state),
            ended: watch::Sender::new(None),
            deleted: CancellationToken::new(),
        });
        ticket.add(shared.clone())?;
        let session = short_session_id(&shared.id);
        tracing::info!(id = shared.log_id, session, warm = shared.is_warm, "a session is open");
        let Opened { sandbox, reader, writer, .. } = opened;
        let task = SessionTask {
            sandbox: ScopeGuard::into_inner(sandbox),
            reader,
            writer,
            queued,
            sessions: Arc::downgrade(sessions),
            closing: sessions.closing.clone(),
        };
        sessions.tasks.spawn(task.run(shared.clone()));
        let unfinished = scopeguard::guard(shared.clone(), |shared| shared.end(Ended::Closed));
        let session = Session::new(shared, sessions);
        make_working_dir(&session).await?;
        ticket.name(&session.shared.id);
        ScopeGuard::into_inner(unfinished);
        Ok((session, true))
    }

    /// The session with this id. Counts as a request to it.
    ///
    /// # Errors
    ///
    /// The tenant has no such session, or it has ended.
    pub fn session(&self, id: &str) -> Result<Session, Error> {
        let sessions = self.sessions.as_ref().ok_or_else(unsupported)?;
        let shared = sessions.find(&self.tenant, id)?;
        shared.request()?;
        Ok(Session::new(shared, sessions))
    }

    /// The sessions of this tenant that have these names and values in their metadata, in the order of their creation.
    #[must_use]
    pub fn sessions(&self, metadata: &[(String, String)]) -> Vec<SessionInfo> {
        let Some(sessions) = &self.sessions else { return Vec::new() };
        let has =
            |info: &SessionInfo| metadata.iter().all(|(name, value)| info.metadata.get(name) == Some(value));
        let mut found: Vec<_> =
            sessions.of_tenant(&self.tenant).iter().map(|session| session.info()).filter(has).collect();
        found.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        found
    }

    /// Gets a sandbox and makes a session of it, all within the start-up time.
    async fn open(&self, plan: &mut SessionPlan, context: &ExecutionContext<'_>) -> Result<Opened, Error> {
        let (pool, backend) = (self.pool.as_deref(), &*self.backend);
        let exec = ExecSpec::without_program(plan.limits);
        let wanted = Plan { sandbox: plan.sandbox.clone(), exec };
        let wanted = pipeline::pull(pool, backend, wanted, context).await?;
        let wanted = pipeline::resolve(backend, wanted, context).await?;
        let opening = open_in(pool, backend, &wanted, plan, context);
        let opened = pipeline::before_start(opening, &wanted.exec, context).await?;
        plan.sandbox = wanted.sandbox;
        Ok(opened)
    }
}

/// Starts the deletion of a sandbox.
type Delete = fn(Box<dyn SessionSandbox>);

/// A sandbox whose runner has made a session of it. Its deletion starts when it is dropped.
struct Opened {
    sandbox: ScopeGuard<Box<dyn SessionSandbox>, Delete>,
    reader: SessionReader,
    writer: SessionWriter,
    is_warm: bool,
}

async fn open_in(
    pool: Option<&Pool>,
    backend: &dyn Backend,
    wanted: &Plan,
    plan: &SessionPlan,
    context: &ExecutionContext<'_>,
) -> Result<Opened, Error> {
    let max_lifetime = plan.times.max_lifetime;
    let claim =
        SessionClaim { log_id: context.id.clone(), tenant: wanted.sandbox.tenant.clone(), max_lifetime };
    if let Some(pool) = pool
        && let Some(sandbox) = pool.take(&wanted.sandbox).await
    {
        let opened =
            async { connect(sandbox.into_session(claim.clone()).await?, plan.times.deadlines(), true).await };
        match opened.await {
            Ok(opened) => return Ok(opened),
            // Nothing was executed in it, so another one can take its place.
            Err(error) => tracing::warn!(
                id = context.id,
                error = error.log_message(),
                detail = error.detail,
                "a prewarmed sandbox cannot be a session"
            ),
        }
    }
    let sandbox = pipeline::create_for_session(pool, backend, &wanted.sandbox, max_lifetime, context).await?;
    connect(sandbox.into_session(claim).await?, plan.times.deadlines(), false).await
}

/// Connects with the runner, which makes a session of its sandbox.
async fn connect(
    sandbox: Box<dyn SessionSandbox>,
    deadlines: Deadlines,
    is_warm: bool,
) -> Result<Opened, Error> {
    let delete: Delete = |sandbox| drop(sandbox.delete());
    let mut sandbox = scopeguard::guard(sandbox, delete);
    let (mut reader, mut writer) = sandbox.connect().await?;
    open(&mut reader, &mut writer, deadlines).await.map_err(|error| {
        let message = "the sandbox could not become a session; the operator's log says why";
        Error::new(ErrorCode::SandboxUnavailable, message).with_detail(error).retryable()
    })?;
    Ok(Opened { sandbox, reader, writer, is_warm })
}

/// Makes the working directory that the request names, without which no execution could be started.
async fn make_working_dir(session: &Session) -> Result<(), Error> {
    let Some(path) = &session.shared.request.working_dir else { return Ok(()) };
    let made = session.files().make_directory(path.as_bytes(), WORKING_DIR_MODE).await;
    made.map_err(|error| match error.code {
        // Not the directory is at fault.
        ErrorCode::Gone | ErrorCode::Internal | ErrorCode::Conflict => error,
        _ => {
            let problem = "the working directory of the session cannot be made";
            let message =
                format!("{problem}: {}; name one that exists, or one below /work or /tmp", error.message);
            Error { message, ..error }
        }
    })
}

fn unsupported() -> Error {
    errors::denied("this sidecar has no sessions; its operator can allow them, if its backend has them")
}
