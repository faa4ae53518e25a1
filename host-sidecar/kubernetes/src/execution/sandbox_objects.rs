//! The objects of one execution: created, followed and deleted.

use super::{
    attach::Attachment,
    context::BackendContext,
    create::{CreateError, create},
    follow::{Follow, SandboxEnd},
    start::Start,
    start_state::Started,
};
use crate::{
    api::server_time::MAX_CLOCK_SKEW,
    cleanup::CleanupGuard,
    config::Workload,
    connection::Cluster,
    manifest::{self, Identity},
    watch::{EventState, ObservedPod, Subscription},
};
use cofferdam_core::{
    ExecutionContext, Phase,
    execution_state::{ExecutionState, Grace, SandboxEnd as End},
};
use cofferdam_protocol::LogDecoder;
use cofferdam_types::{Error, ErrorCode, Report, Timings};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::PodTemplateSpec, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{Resource, ResourceExt};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Time for output to pass through a log, a kubelet and an API server.
pub(super) const GRACE: Grace = Grace { end: Duration::from_secs(10), files: Duration::from_secs(30) };
/// How much later than the sidecar the cluster ends an execution.
pub(super) const POD_DEADLINE_SLACK: Duration = Duration::from_secs(30);
/// For how long the end of a deleted Pod is awaited.
const POD_DELETION_TIMEOUT: Duration = Duration::from_secs(10);

/// The objects of one execution.
pub(super) struct SandboxObjects<'a> {
    context: &'a BackendContext,
    pub(super) cluster: Arc<Cluster>,
    pub(super) run: &'a ExecutionContext<'a>,
    pub(super) identity: Identity,
    pub(super) cleanup: CleanupGuard,
    pods: Subscription<ObservedPod>,
}

/// How a sandbox ended, and when it started.
pub(super) struct Ending {
    pub(super) sandbox_end: SandboxEnd,
    pub(super) timings: Timings,
}

impl<'a> SandboxObjects<'a> {
    /// Objects that are about to be created.
    pub(super) fn new(
        context: &'a BackendContext,
        cluster: Arc<Cluster>,
        run: &'a ExecutionContext<'a>,
        identity: Identity,
    ) -> Self {
        let workload = context.config.workload;
        let cleanup = CleanupGuard::new(cluster.clone(), context.cleanups.clone(), workload, &identity.id);
        Self::existing(context, cluster, run, identity, cleanup)
    }

    /// Objects that exist.
    pub(super) fn existing(
        context: &'a BackendContext,
        cluster: Arc<Cluster>,
        run: &'a ExecutionContext<'a>,
        identity: Identity,
        cleanup: CleanupGuard,
    ) -> Self {
        let pods = cluster.pod_watch.subscribe(&identity.id);
        Self { context, cluster, run, identity, cleanup, pods }
    }

    /// Creates the Job or the Pod, and the shared runner. The Pod starts once the ConfigMaps of its program
    /// exist. `created_at` is the time of the identity, `deadline` that of the Pod, `until` that of the
    /// requests.
    pub(super) async fn create_owner(
        &mut self,
        template: PodTemplateSpec,
        created_at: Timestamp,
        deadline: Duration,
        until: Instant,
    ) -> Result<OwnerReference, Error> {
        let started = Instant::now();
        let (runner, owner) = tokio::join!(
            self.context.runner.ensure(&self.cluster, until),
            self.create_workload(template, deadline, until)
        );
        let owner = owner.map_err(|failure| {
            if !failure.may_exist {
                self.cleanup.disarm();
            }
            failure.error
        })?;
        self.cleanup.set_owner(owner.uid.clone());
        runner?;
        check_clock_skew(self.cluster.server_time.now().duration_since(created_at), started.elapsed())?;
        Ok(owner)
    }

    async fn create_workload(
        &self,
        template: PodTemplateSpec,
        deadline: Duration,
        until: Instant,
    ) -> Result<OwnerReference, CreateError> {
        match self.context.config.workload {
            Workload::Job => {
                let job = manifest::job(&self.identity, template, deadline);
                let job = create(&self.cluster.jobs, &job, "create the Job", until).await?;
                Ok(self.watch_events_of(&job))
            }
            Workload::Pod => {
                let pod = manifest::pod(&self.identity, template, deadline);
                let pod = create(&self.cluster.pods, &pod, "create the Pod", until).await?;
                Ok(self.watch_events_of(&pod))
            }
        }
    }

    /// Starts the watch of events at an object that was created, and returns a reference to it as an owner.
    fn watch_events_of<K: Resource<DynamicType = ()>>(&self, object: &K) -> OwnerReference {
        self.cluster.event_watch.start(object.resource_version());
        owner_reference(object)
    }

    /// Waits until the container has started.
    pub(super) async fn start(
        &mut self,
        events: &mut Subscription<EventState>,
        state: &ExecutionState<'_>,
    ) -> Result<Started, Error> {
        let start = Start {
            cluster: &self.cluster,
            runner: &self.context.runner,
            run: self.run,
            scale_up_time: self.context.config.scale_up_seconds.0,
            state,
        };
        start.wait(events, &mut self.pods).await
    }

    /// Follows the output of a container that has started.
    pub(super) async fn follow(&mut self, started: Started, state: &mut ExecutionState<'_>) -> SandboxEnd {
        if started.by_event {
            match Attachment::with_replay(&self.cluster.pods, &started.pod).await {
                Ok(attachment) => return self.follow_attached(started, attachment, state).await,
                Err(error) => {
                    tracing::debug!(id = self.run.id, %error, "the container cannot be attached to")
                }
            }
        }
        self.follow_from(started.pod, None, LogDecoder::default(), state).await
    }

    /// Follows the output over an attachment that the runner has got something from, its program or the request for a
    /// replay: it repeats what it has written before that.
    pub(super) async fn follow_attached(
        &mut self,
        started: Started,
        attachment: Attachment,
        state: &mut ExecutionState<'_>,
    ) -> SandboxEnd {
        let mut decoder = LogDecoder::default();
        decoder.expect_replay();
        self.follow_from(started.pod, Some(attachment), decoder, state).await
    }

    /// Follows the output from the state that an attachment and its decoder are in.
    pub(super) async fn follow_from(
        &mut self,
        pod: String,
        attachment: Option<Attachment>,
        decoder: LogDecoder,
        state: &mut ExecutionState<'_>,
    ) -> SandboxEnd {
        let follow = Follow {
            cluster: &self.cluster,
            run: self.run,
            id: &self.identity.id,
            pod,
            pods: &mut self.pods,
            cleanup: &mut self.cleanup,
            decoder,
            attachment,
        };
        follow.until_end(state).await
    }

    /// Starts the deletion of all objects, and makes the report.
    pub(super) async fn finish(
        mut self,
        ending: Result<Ending, Error>,
        state: ExecutionState<'_>,
        program_was_sent: bool,
    ) -> Result<Report, Error> {
        self.run.observer.on_phase(Phase::Cleaning);
        self.cleanup.start();
        let has_failed = ending.as_ref().is_ok_and(|ending| matches!(ending.sandbox_end.end, End::Failed(_)));
        let has_ended = state.ended() || has_failed;
        let result = ending.and_then(|ending| report(state, ending));
        // If the runner has not reported the end, the program has ended when the Pod is deleted.
        if !has_ended && program_was_sent {
            self.wait_until_deleted().await;
        }
        let report = result.map_err(|error| {
            // The Pod could read the program, even if no start was observed.
            let certainly_not_executed =
                !program_was_sent || error.code == ErrorCode::Quota || self.pods.latest().never_ran;
            Error { retryable: error.retryable && certainly_not_executed, ..error }
        })?;
        Ok(report)
    }

    /// Waits until a Pod that is being deleted is gone, or is known not to exist.
    async fn wait_until_deleted(&mut self) {
        let id = &self.run.id;
        self.cluster.pod_watch.start();
        if self.pods.latest().pod.is_none() {
            match self.cluster.get_pod(&self.identity.id).await {
                Ok(Some(pod)) => self.pods.set(Some(pod)),
                Ok(None) => return,
                Err(error) => tracing::debug!(id, %error, "the Pod could not be requested"),
            }
        }
        if timeout(POD_DELETION_TIMEOUT, self.pods.deleted()).await.is_err() {
            tracing::warn!(id, "the cluster is still deleting the Pod of {id}");
        }
    }
}

/// The report of a sandbox that ended. Where the runner has not reported an end, the cluster's reason is the
/// error.
fn report(state: ExecutionState<'_>, ending: Ending) -> Result<Report, Error> {
    let Ending { sandbox_end: SandboxEnd { end, out_of_memory, failure, detail }, timings } = ending;
    let was_cancelled = state.is_cancelled();
    let report = state.report(end, || out_of_memory);
    if let Some(failure) = failure
        && !was_cancelled
    {
        return Err(failure);
    }
    let mut report = report.map_err(|error| error.with_more_detail(detail.trim()))?;
    report.timings = Timings { scheduled: timings.scheduled, pulled: timings.pulled, ..report.timings };
    Ok(report)
}

/// Fails if more time has passed on the cluster's clock than here. Until the cluster's first answer, the
/// expiry of an object is by this machine's clock; if that is slow, another process takes the object for
/// garbage.
fn check_clock_skew(passed: SignedDuration, passed_here: Duration) -> Result<(), Error> {
    let behind = passed.saturating_sub(SignedDuration::try_from(passed_here).unwrap_or(SignedDuration::MAX));
    if behind <= MAX_CLOCK_SKEW {
        return Ok(());
    }
    let message = format!(
        "the clock of the sidecar's machine is {behind:#} behind the cluster's: correct it; nothing was executed"
    );
    Err(Error::new(ErrorCode::SandboxUnavailable, message).retryable())
}

/// Time after which the cluster ends the Pod.
pub(super) fn pod_deadline(startup_time: Duration, wall_time: Duration) -> Duration {
    startup_time.saturating_add(wall_time).saturating_add(GRACE.end + POD_DEADLINE_SLACK)
}

fn owner_reference<K: Resource<DynamicType = ()>>(object: &K) -> OwnerReference {
    OwnerReference {
        api_version: K::api_version(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        controller: None,
        block_owner_deletion: None,
    }
}
