//! One execution in a Pod that is created for it.

use super::{
    context::ExecutionContext,
    create::create,
    sandbox::{Ending, GRACE, POD_DEADLINE_SLACK, Sandbox, check_size, encode_program, pod_deadline},
};
use crate::manifest::{self, Identity};
use cofferdam_core::{Phase, Run, policy::Plan, progress::Progress, progress::cancelled_before_start};
use cofferdam_types::{Error, Report, Timings};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use std::mem;

/// Executes a plan.
pub(crate) async fn execute(context: &ExecutionContext, mut plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
    run.observer.entered(Phase::Starting);
    check_size(&plan)?;
    let mut progress = Progress::new(run, &plan, false, GRACE);
    let program = encode_program(mem::take(&mut plan.program))?;
    let cluster = context.cluster.get().await?;
    let created_at = cluster.server_time.now();
    let deadline = pod_deadline(&plan);
    let identity = Identity::new(&run.id, &cluster.sidecar, &plan.labels, created_at, deadline + POD_DEADLINE_SLACK);
    let template = context.template(&plan, Some(program.len()), &identity)?;
    let mut events = cluster.event_watch.subscribe(&run.id);
    let mut sandbox = Sandbox::new(context, cluster, run, identity);
    let mut program_was_sent = false;
    let ending = async {
        let owner = tokio::select! {
            owner = sandbox.create_owner(template, created_at, deadline, progress.deadline()) => owner?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        };
        program_was_sent = true;
        tokio::select! {
            created = create_program(&sandbox, &owner, program, &progress) => created?,
            () = run.cancelled.cancelled() => return Err(cancelled_before_start()),
        }
        let started = sandbox.start(&mut events, &progress).await?;
        let timings = Timings { scheduled: started.scheduled, pulled: started.pulled, ..Timings::default() };
        let sandbox_end = sandbox.follow(started, &mut progress).await;
        Ok(Ending { sandbox_end, timings })
    }
    .await;
    sandbox.finish(ending, progress, program_was_sent).await
}

/// Creates the ConfigMaps of the program. As soon as the first one exists, the program may be executed.
async fn create_program(
    sandbox: &Sandbox<'_>,
    owner: &OwnerReference,
    program: Vec<u8>,
    progress: &Progress<'_>,
) -> Result<(), Error> {
    for config_map in manifest::config_maps(&sandbox.identity, &program, owner) {
        let step = "create the ConfigMap of the program";
        let created = create(&sandbox.cluster.config_maps, &config_map, step, progress.deadline()).await;
        created.map_err(|failure| {
            let retryable = failure.error.retryable && !failure.may_exist;
            Error { retryable, ..failure.error }
        })?;
    }
    tracing::debug!(id = sandbox.run.id, "the sandbox is being started");
    Ok(())
}
