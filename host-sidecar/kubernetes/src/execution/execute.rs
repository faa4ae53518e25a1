//! One execution in a Pod that is created for it.

use super::{
    context::BackendContext,
    create::create,
    sandbox_objects::{
        Ending, GRACE, POD_DEADLINE_SLACK, SandboxObjects, check_size, encode_program, pod_deadline,
    },
};
use crate::manifest::{self, Identity};
use cofferdam_core::{
    ExecutionContext,
    execution_state::{ExecutionState, cancelled_before_start},
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Error, Report, Timings};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// Creates the objects with the program and executes it.
pub(super) async fn execute(
    context: &BackendContext,
    spec: &SandboxSpec,
    exec: ExecSpec,
    run: &ExecutionContext<'_>,
) -> Result<Report, Error> {
    check_size(&exec)?;
    let mut state = ExecutionState::new(run, &exec, false, GRACE);
    let (deadline, labels) =
        (pod_deadline(exec.limits.startup_time(), exec.limits.wall_time()), exec.labels.clone());
    let program = encode_program(exec.into_program(spec))?;
    let cluster = context.cluster.get().await?;
    let created_at = cluster.server_time.now();
    let identity =
        Identity::new(&run.id, &cluster.sidecar, &labels, created_at, deadline + POD_DEADLINE_SLACK);
    let template = context.template(spec, Some(program.len()), &identity)?;
    let mut events = cluster.event_watch.subscribe(&run.id);
    let mut sandbox = SandboxObjects::new(context, cluster, run, identity);
    let mut program_was_sent = false;
    let ending = async {
        let owner = tokio::select! {
            owner = sandbox.create_owner(template, created_at, deadline, state.deadline()) => owner?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        program_was_sent = true;
        tokio::select! {
            created = create_program(&sandbox, &owner, program, &state) => created?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        }
        let started = sandbox.start(&mut events, &state).await?;
        let timings = Timings { scheduled: started.scheduled, pulled: started.pulled, ..Timings::default() };
        let sandbox_end = sandbox.follow(started, &mut state).await;
        Ok(Ending { sandbox_end, timings })
    }
    .await;
    sandbox.finish(ending, state, program_was_sent).await
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
