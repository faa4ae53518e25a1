//! A Pod that is started before there is a program or a session for it, and the connection over which it gets a program.

use super::{
    attach::Attachment,
    context::BackendContext,
    sandbox_objects::{Ending, GRACE, SandboxObjects, pod_deadline},
    send::{connection_error, send_program},
    session::{KubernetesSession, Objects, Relay, new_secret, relay},
};
use crate::{
    cleanup::CleanupGuard,
    config::Workload,
    connection::Cluster,
    manifest::{Identity, Source},
};
use cofferdam_core::{
    ExecutionContext, SessionClaim,
    connection::IdleRequest,
    execution_state::{ExecutionState, cancelled_before_start},
    inputs::ProgramMessages,
    policy::Limits,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::{LogDecoder, Preparation};
use cofferdam_types::{Error, Report, Timings, milliseconds};
use jiff::Timestamp;
use std::{io, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// Time limit for the answer to a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit for the start of the interpreter.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(60);
const BUFFER_SIZE: usize = 4096;

/// A Pod that waits for its program. It is deleted when this is dropped.
pub(super) struct WarmPod {
    cluster: Arc<Cluster>,
    identity: Identity,
    pod: String,
    attachment: Attachment,
    decoder: LogDecoder,
    cleanup: CleanupGuard,
    created_at: Timestamp,
    deadline: Duration,
    /// With it, a relay of a session may connect.
    secret: String,
}

/// What a Pod is started for.
pub(super) struct Wanted<'a> {
    pub(super) spec: &'a SandboxSpec,
    pub(super) preparation: Preparation,
    /// Time that it waits for its program or session.
    pub(super) max_age: Duration,
    /// Time that this may then take.
    pub(super) max_time: Duration,
}

impl WarmPod {
    /// The id of the sandbox.
    pub(super) fn id(&self) -> &str {
        &self.identity.id
    }

    /// Starts a Pod.
    pub(super) async fn start(
        context: &BackendContext,
        wanted: Wanted<'_>,
        run: &ExecutionContext<'_>,
    ) -> Result<Self, Error> {
        let exec = longest_execution(context, &wanted);
        let state = ExecutionState::new(run, &exec, false, GRACE);
        let cluster = context.cluster.get().await?;
        // The runner ends at its expiry if it has no program by then.
        let lifetime = exec.limits.startup_time().saturating_add(wanted.max_age);
        let created_at = cluster.server_time.now();
        let identity = Identity::new(&run.id, &cluster.sidecar, &[], created_at, lifetime);
        let secret = new_secret();
        let template = context.template(wanted.spec, Source::ConnectionOrRelay(&secret), &identity)?;
        let mut events = cluster.event_watch.subscribe(&run.id);
        let mut sandbox = SandboxObjects::new(context, cluster, run, identity);
        let deadline = pod_deadline(exec.limits.startup_time(), exec.limits.wall_time());
        tokio::select! {
            owner = sandbox.create_owner(template, created_at, deadline, state.deadline()) => owner?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        let pod = sandbox.start(&mut events, &state).await?.pod;
        let attachment =
            Attachment::new(&sandbox.cluster.pods, &pod).await.map_err(|error| connection_error(&error))?;
        let SandboxObjects { cluster, identity, cleanup, .. } = sandbox;
        let decoder = LogDecoder::default();
        let mut warm =
            Self { cluster, identity, pod, attachment, decoder, cleanup, created_at, deadline, secret };
        // The runner has sent its first frame before it was attached to, and repeats it after the first message.
        warm.decoder.expect_replay();
        let prepared = tokio::select! {
            prepared = warm.request(IdleRequest::prepare(wanted.preparation)) => prepared,
            () = sleep(PREPARE_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        prepared.map_err(|error| connection_error(&error))?;
        Ok(warm)
    }

    /// Makes a session of it. The attachment is of no use any more.
    pub(super) async fn into_session(
        self,
        workload: Workload,
        claim: &SessionClaim,
    ) -> Result<KubernetesSession, Error> {
        let Self { cluster, identity, pod, cleanup, created_at, deadline, secret, .. } = self;
        let objects = Objects { workload, id: &identity.id, pod: &pod, created_at, deadline };
        // The runner gets no message before the session is connected with, which needs both.
        let (claimed, first) =
            tokio::join!(objects.claim(&cluster, claim), relay::start(&cluster.pods, &pod, &secret));
        let claimed = claimed?;
        let first = first.map_err(|error| connection_error(&error))?;
        let relay =
            Relay { cluster: cluster.clone(), id: identity.id.clone(), pod, secret, first: Some(first) };
        Ok(KubernetesSession::new(cluster, identity.id, cleanup, relay, claimed))
    }

    /// Whether the runner answers and waits for its program.
    pub(super) async fn ping(&mut self) -> bool {
        matches!(timeout(PING_TIMEOUT, self.request(IdleRequest::ping())).await, Ok(Ok(())))
    }

    /// Sends a message, and waits for its answer.
    async fn request(&mut self, request: io::Result<IdleRequest>) -> io::Result<()> {
        let (mut request, mut buffer) = (request?, [0; BUFFER_SIZE]);
        self.attachment.write(request.message()).await?;
        loop {
            let length = self.attachment.read(&mut buffer).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if request.answer(&self.decoder.push(&buffer[..length]).map_err(io::Error::other)?)? {
                return Ok(());
            }
        }
    }

    /// Executes a program in the Pod.
    pub(super) async fn execute(
        self,
        context: &BackendContext,
        spec: &SandboxSpec,
        exec: ExecSpec,
        run: &ExecutionContext<'_>,
    ) -> Result<Report, Error> {
        let mut state = ExecutionState::new(run, &exec, true, GRACE);
        let messages = ProgramMessages::new(exec, spec, true)?;
        let Self { cluster, identity, pod, mut attachment, decoder, cleanup, .. } = self;
        let mut sandbox = SandboxObjects::existing(context, cluster, run, identity, cleanup);
        let sent = send_program(attachment.stdin(), messages, run, &mut state).await;
        let program_was_sent = matches!(sent, Ok(true));
        let ending = match sent {
            Ok(_) => {
                let sandbox_end = sandbox.follow_from(pod, Some(attachment), decoder, &mut state).await;
                Ok(Ending { sandbox_end, timings: Timings::default() })
            }
            Err(error) => Err(error),
        };
        sandbox.finish(ending, state, program_was_sent).await
    }
}

/// The execution that the Pod must have time for: it waits for a program, and then for the longest one.
fn longest_execution(context: &BackendContext, wanted: &Wanted<'_>) -> ExecSpec {
    let limits = Limits {
        wall_time_ms: milliseconds(wanted.max_age.saturating_add(wanted.max_time)),
        startup_time_ms: milliseconds(context.startup_timeout),
        ..Limits::default()
    };
    ExecSpec::without_program(limits)
}
