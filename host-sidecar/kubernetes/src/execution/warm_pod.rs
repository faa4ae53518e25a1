//! A Pod that is started before there is a program for it, and the connection over which it gets one.

use super::{
    attach::Attachment,
    context::BackendContext,
    sandbox_objects::{Ending, GRACE, SandboxObjects, pod_deadline},
    send::{connection_error, send_program},
};
use crate::{cleanup::CleanupGuard, connection::Cluster, manifest::Identity};
use cofferdam_core::{
    ExecutionContext, NoObserver,
    connection::IdleRequest,
    execution_state::{ExecutionState, cancelled_before_start},
    inputs::ProgramMessages,
    new_id,
    policy::Limits,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_protocol::LogDecoder;
use cofferdam_types::{Error, Report, Timings, milliseconds};
use std::{io, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

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
}

impl WarmPod {
    /// The id of the sandbox.
    pub(super) fn id(&self) -> &str {
        &self.identity.id
    }

    /// Starts a Pod that waits no longer than `max_age`.
    pub(super) async fn start(
        context: &BackendContext,
        spec: &SandboxSpec,
        max_age: Duration,
        cancelled: &CancellationToken,
    ) -> Result<Self, Error> {
        let exec = longest_execution(context, max_age);
        let run =
            ExecutionContext { id: new_id(), requested: Instant::now(), cancelled, observer: &NoObserver };
        let state = ExecutionState::new(&run, &exec, false, GRACE);
        let cluster = context.cluster.get().await?;
        // The runner ends at its expiry if it has no program by then.
        let lifetime = exec.limits.startup_time().saturating_add(max_age);
        let created_at = cluster.server_time.now();
        let identity = Identity::new(&run.id, &cluster.sidecar, &[], created_at, lifetime);
        let template = context.template(spec, None, &identity)?;
        let mut events = cluster.event_watch.subscribe(&run.id);
        let mut sandbox = SandboxObjects::new(context, cluster, &run, identity);
        let deadline = pod_deadline(exec.limits.startup_time(), exec.limits.wall_time());
        tokio::select! {
            owner = sandbox.create_owner(template, created_at, deadline, state.deadline()) => owner?,
            () = cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        let pod = sandbox.start(&mut events, &state).await?.pod;
        let attachment =
            Attachment::new(&sandbox.cluster.pods, &pod).await.map_err(|error| connection_error(&error))?;
        let SandboxObjects { cluster, identity, cleanup, .. } = sandbox;
        let mut warm = Self { cluster, identity, pod, attachment, decoder: LogDecoder::default(), cleanup };
        // The runner has sent its first frame before it was attached to, and repeats it after the first message.
        warm.decoder.expect_replay();
        let prepared = tokio::select! {
            prepared = warm.request(IdleRequest::prepare(spec.preparation())) => prepared,
            () = sleep(PREPARE_TIMEOUT) => Err(io::ErrorKind::TimedOut.into()),
            () = cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        prepared.map_err(|error| connection_error(&error))?;
        Ok(warm)
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
        let Self { cluster, identity, pod, mut attachment, decoder, cleanup } = self;
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
fn longest_execution(context: &BackendContext, max_age: Duration) -> ExecSpec {
    let limits = Limits {
        wall_time_ms: milliseconds(max_age.saturating_add(context.max_wall_time)),
        startup_time_ms: milliseconds(context.startup_timeout),
        ..Limits::default()
    };
    ExecSpec::without_program(limits)
}
