//! One execution in a Pod that is created for it. Its program is in ConfigMaps, or goes over a connection if it is
//! too large for them or has streamed files.

use super::{
    attach::Attachment,
    context::BackendContext,
    create::create,
    sandbox_objects::{Ending, GRACE, POD_DEADLINE_SLACK, SandboxObjects, pod_deadline},
    send::{connection_error, send_program},
    start_state::Started,
};
use crate::manifest::{self, Identity, Source};
use cofferdam_core::{
    ExecutionContext,
    execution_state::{ExecutionState, cancelled_before_start},
    inputs::{ProgramMessages, Transfer},
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, Report, Timings};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// Bytes of a program that is in ConfigMaps. Each of them is an object of the cluster's database.
const MAX_VOLUME_BYTES: usize = 8 << 20;

/// Creates the objects with the program and executes it.
pub(super) async fn execute(
    context: &BackendContext,
    spec: &SandboxSpec,
    exec: ExecSpec,
    run: &ExecutionContext<'_>,
) -> Result<Report, Error> {
    let mut state = ExecutionState::new(run, &exec, false, GRACE);
    let (limits, labels) = (exec.limits, exec.labels.clone());
    let messages = ProgramMessages::new(exec, spec, false)?;
    let transfer_time = messages.transfer.as_ref().map(Transfer::max_time).unwrap_or_default();
    let deadline = pod_deadline(limits.startup_time(), limits.wall_time()).saturating_add(transfer_time);
    let in_volume = messages.transfer.is_none() && messages.program.len() <= MAX_VOLUME_BYTES;
    let cluster = context.cluster.get().await?;
    let created_at = cluster.server_time.now();
    let identity =
        Identity::new(&run.id, &cluster.sidecar, &labels, created_at, deadline + POD_DEADLINE_SLACK);
    let source = if in_volume { Source::Volume(messages.program.len()) } else { Source::Connection };
    let template = context.template(spec, source, &identity)?;
    let mut events = cluster.event_watch.subscribe(&run.id);
    let mut sandbox = SandboxObjects::new(context, cluster, run, identity);
    let mut program_was_sent = false;
    let ending = async {
        let owner = tokio::select! {
            owner = sandbox.create_owner(template, created_at, deadline, state.deadline()) => owner?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        if !in_volume {
            let started = sandbox.start(&mut events, &state).await?;
            let mut attachment = Attachment::new(&sandbox.cluster.pods, &started.pod)
                .await
                .map_err(|error| connection_error(&error))?;
            program_was_sent = send_program(attachment.stdin(), messages, run, &mut state).await?;
            let timings = timings(&started);
            let sandbox_end = sandbox.follow_attached(started, attachment, &mut state).await;
            return Ok(Ending { sandbox_end, timings });
        }
        program_was_sent = true;
        tokio::select! {
            created = create_program(&sandbox, &owner, messages.program, &state) => created?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        }
        let started = sandbox.start(&mut events, &state).await?;
        let timings = timings(&started);
        let sandbox_end = sandbox.follow(started, &mut state).await;
        Ok(Ending { sandbox_end, timings })
    }
    .await;
    sandbox.finish(ending, state, program_was_sent).await
}

fn timings(started: &Started) -> Timings {
    Timings { scheduled: started.scheduled, pulled: started.pulled, ..Timings::default() }
}

/// Creates the ConfigMaps of the program. As soon as the first one exists, the program may be executed.
async fn create_program(
    sandbox: &SandboxObjects<'_>,
    owner: &OwnerReference,
    program: Vec<u8>,
    state: &ExecutionState<'_>,
) -> Result<(), Error> {
    for config_map in manifest::config_maps(&sandbox.identity, &program, owner) {
        let step = "create the ConfigMap of the program";
        let created = create(&sandbox.cluster.config_maps, &config_map, step, state.deadline()).await;
        created.map_err(|failure| {
            let retryable = failure.error.retryable && !failure.may_exist;
            Error { retryable, ..failure.error }
        })?;
    }
    tracing::debug!(id = sandbox.run.id, "the sandbox is being started");
    Ok(())
}
