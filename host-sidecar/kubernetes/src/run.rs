//! One run: its objects are made, its Pod is waited for, its log is followed, its objects are removed.

use super::{
    KubernetesBackend,
    cluster::Cluster,
    cluster_clock::SKEW,
    creation,
    follow::{Ended, Follow},
    inquiry,
    manifest::{self, Identity},
    pod_watch::Sighting,
    process::Process,
    removal::Removal,
    start::{Start, Started},
    subscribers::Subscription,
    told::Told,
};
use crate::config::Workload;
use cofferdam_core::{
    Phase, Run,
    policy::Plan,
    progress::{End, Grace, Progress},
};
use cofferdam_protocol::{Message, encode_message};
use cofferdam_types::{Error, ErrorCode, Report, Timings};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::PodTemplateSpec, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{Resource, ResourceExt};
use std::{mem, time::Duration};
use tokio::time::{Instant, timeout};

/// Bytes of code, standard input and files together that a cluster is given for one run.
const MAX_INPUT: usize = 8 << 20;
/// What comes of a program has a log, a kubelet and an API server to pass.
pub(super) const GRACE: Grace = Grace { end: Duration::from_secs(10), files: Duration::from_secs(30) };
/// What the cluster waits longer than we do before it ends a run by itself.
const SLACK: Duration = Duration::from_secs(30);
/// How long a Pod that was ended may take to be gone.
const FAREWELL: Duration = Duration::from_secs(10);

/// Carries out one plan.
pub(super) async fn run(backend: &KubernetesBackend, mut plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
    run.observer.entered(Phase::Starting);
    refuse_too_large(&plan)?;
    let mut progress = Progress::new(run, &plan, false, GRACE);
    let program = encode_message(&Message::Run(mem::take(&mut plan.program)))
        .map_err(|error| Error::new(ErrorCode::TooLarge, "the request is too large").with_detail(error))?;
    let cluster = backend.cluster().await?;
    let made = cluster.clock.now();
    let identity = identity(&cluster, &run.id, &plan.labels, made, deadline(&plan) + SLACK);
    let template = template(backend, &plan, Some(program.len()), &identity)?;
    let (mut events, mut sightings) = (cluster.event_watch.subscribe(&run.id), cluster.pod_watch.subscribe(&run.id));
    let mut removal = Removal::new(cluster.clone(), backend.removals.clone(), backend.settings.workload, &run.id);
    let sandbox = Sandbox { backend, cluster: &cluster, identity: &identity, run };
    let mut program_was_sent = false;
    let ended = async {
        let owner = tokio::select! {
            owner = sandbox.create_owner(template, made, deadline(&plan), progress.deadline(), &mut removal) => owner?,
            () = run.cancelled.cancelled() => return Err(cancelled()),
        };
        program_was_sent = true;
        tokio::select! {
            created = sandbox.create_program(&owner, program, &progress) => created?,
            () = run.cancelled.cancelled() => return Err(cancelled()),
        }
        sandbox.start_and_follow(&mut events, &mut sightings, &mut progress, &mut removal).await
    }
    .await;
    sandbox.finish(ended, progress, &mut removal, &mut sightings, program_was_sent).await
}

/// The Pod of a plan.
pub(super) fn template(
    backend: &KubernetesBackend,
    plan: &Plan,
    program_size: Option<usize>,
    identity: &Identity,
) -> Result<PodTemplateSpec, Error> {
    manifest::template(&backend.settings, plan, program_size, identity).map_err(|error| {
        Error::new(ErrorCode::SandboxUnavailable, "the setting `pod_overlay` cannot be applied").with_detail(error)
    })
}

/// The objects of one run.
pub(super) struct Sandbox<'a> {
    pub(super) backend: &'a KubernetesBackend,
    pub(super) cluster: &'a Cluster,
    pub(super) identity: &'a Identity,
    pub(super) run: &'a Run<'a>,
}

impl Sandbox<'_> {
    /// Makes the Job or the Pod, which nothing runs in before it has its program, with an identity that was made just now.
    pub(super) async fn create_owner(
        &self,
        template: PodTemplateSpec,
        made: Timestamp,
        deadline: Duration,
        until: Instant,
        removal: &mut Removal,
    ) -> Result<OwnerReference, Error> {
        let Self { backend, cluster, identity, .. } = self;
        let (jobs, pods) = (&cluster.jobs, &cluster.pods);
        let begun = Instant::now();
        let owner = async {
            match backend.settings.workload {
                Workload::Job => {
                    let job = manifest::job(identity, template, deadline);
                    creation::create(jobs, &job, "create the Job", until).await.map(|job| self.listen(&job))
                }
                Workload::Pod => {
                    let pod = manifest::pod(identity, template, deadline);
                    creation::create(pods, &pod, "create the Pod", until).await.map(|pod| self.listen(&pod))
                }
            }
        };
        let (runner, owner) = tokio::join!(backend.runner.ensure(cluster, until), owner);
        let owner = owner.map_err(|failure| {
            if !failure.may_exist {
                removal.disarm();
            }
            failure.error
        })?;
        removal.owner_is(owner.uid.clone());
        runner?;
        refuse_late_clock(cluster.clock.now().duration_since(made), begun.elapsed())?;
        Ok(owner)
    }

    /// Hears of what comes of an object that has been created; it will own the others.
    fn listen<K: Resource<DynamicType = ()>>(&self, object: &K) -> OwnerReference {
        self.cluster.event_watch.begin(object.resource_version());
        owner(object)
    }

    /// Makes the ConfigMaps that bring the program. From the first of them on, the program may run.
    async fn create_program(
        &self,
        owner: &OwnerReference,
        program: Vec<u8>,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        for config_map in manifest::config_maps(self.identity, &program, owner) {
            let step = "create the ConfigMap of the program";
            let created = creation::create(&self.cluster.config_maps, &config_map, step, progress.deadline()).await;
            created.map_err(|failure| {
                let retryable = failure.error.retryable && !failure.may_exist;
                Error { retryable, ..failure.error }
            })?;
        }
        tracing::debug!(id = self.run.id, "the sandbox is being started");
        Ok(())
    }

    /// Waits until the container has started.
    pub(super) async fn start(
        &self,
        events: &mut Subscription<Told>,
        sightings: &mut Subscription<Sighting>,
        progress: &Progress<'_>,
    ) -> Result<Started, Error> {
        let Self { backend, cluster, run, .. } = self;
        let scale_up = backend.settings.scale_up_seconds.0;
        Start { cluster, runner: &backend.runner, run, scale_up }.wait(events, sightings, progress).await
    }

    async fn start_and_follow(
        &self,
        events: &mut Subscription<Told>,
        sightings: &mut Subscription<Sighting>,
        progress: &mut Progress<'_>,
        removal: &mut Removal,
    ) -> Result<(Ended, Timings), Error> {
        let started = self.start(events, sightings, progress).await?;
        let timings = Timings { scheduled: started.scheduled, pulled: started.pulled, ..Timings::default() };
        let follow = Follow::new(self.cluster, self.run, started.pod, started.was_told).await;
        Ok((follow.until_end(sightings, progress, removal).await, timings))
    }

    /// Has all removed, and says what came of the run.
    pub(super) async fn finish(
        &self,
        ended: Result<(Ended, Timings), Error>,
        progress: Progress<'_>,
        removal: &mut Removal,
        sightings: &mut Subscription<Sighting>,
        program_was_sent: bool,
    ) -> Result<Report, Error> {
        self.run.observer.entered(Phase::Cleaning);
        removal.begin();
        let is_over = progress.ended() || ended.as_ref().is_ok_and(|(ended, _)| matches!(ended.end, End::Failed(_)));
        let result = ended.and_then(|(ended, timings)| conclude(progress, ended, timings));
        // Where the runner has not said that all is over, it is over when the Pod is gone.
        if !is_over && program_was_sent {
            self.see_it_go(sightings).await;
        }
        let mut report = result.map_err(|error| {
            // The program was there for the taking, whether or not anything was heard of it.
            let is_certain = !program_was_sent || error.code == ErrorCode::Quota || sightings.latest().never_ran;
            Error { retryable: error.retryable && is_certain, ..error }
        })?;
        report.timings.answered = self.run.elapsed();
        Ok(report)
    }

    /// Waits until a Pod that is being removed is gone, or until it is clear that there is none.
    async fn see_it_go(&self, sightings: &mut Subscription<Sighting>) {
        let Self { cluster, run, identity, .. } = self;
        cluster.pod_watch.begin();
        if sightings.latest().pod.is_none() {
            match inquiry::pod(cluster, &identity.id).await {
                Ok(Some(pod)) => sightings.correct(Some(pod), true),
                Ok(None) => return,
                Err(error) => tracing::debug!(id = run.id, %error, "the Pod could not be looked for"),
            }
        }
        if timeout(FAREWELL, sightings.gone()).await.is_err() {
            tracing::warn!(id = run.id, "the Pod of {} is still being removed by the cluster", run.id);
        }
    }
}

/// What came of a sandbox that ended.
fn conclude(progress: Progress<'_>, ended: Ended, timings: Timings) -> Result<Report, Error> {
    let Ended { end, out_of_memory, lost, detail } = ended;
    let was_cancelled = progress.is_cancelled();
    let mut report = match (progress.report(end, || out_of_memory), lost) {
        // What the cluster says of it is closer to the truth than our own conclusion.
        (_, Some(lost)) if !was_cancelled => return Err(lost),
        (Err(error), _) => return Err(error.with_more_detail(detail.trim())),
        (Ok(report), _) => report,
    };
    report.timings = Timings { scheduled: timings.scheduled, pulled: timings.pulled, ..report.timings };
    Ok(report)
}

/// The caller gave up in time.
pub(super) fn cancelled() -> Error {
    Error::new(ErrorCode::Cancelled, "the run was cancelled before its program was seen to start")
}

pub(super) fn refuse_too_large(plan: &Plan) -> Result<(), Error> {
    let program = &plan.program;
    let files: usize = program.files.iter().map(|file| file.content.len()).sum();
    let size = program.code.len() + program.stdin.len() + files;
    if size <= MAX_INPUT {
        return Ok(());
    }
    let message = format!(
        "code, standard input and files are {size} bytes in all; a cluster takes up to {MAX_INPUT}: send less, or have \
         the program make it"
    );
    Err(Error::new(ErrorCode::TooLarge, message))
}

/// Fails where more time has passed on the cluster's clock than here. Until the cluster has told its time, objects expire by
/// this machine's clock; if that is far behind, they are taken for expired ones.
fn refuse_late_clock(passed: SignedDuration, passed_here: Duration) -> Result<(), Error> {
    let behind = passed.saturating_sub(SignedDuration::try_from(passed_here).unwrap_or(SignedDuration::MAX));
    if behind <= SKEW {
        return Ok(());
    }
    let message = format!("this machine's clock is {behind:#} behind the cluster's: set it; nothing was run");
    Err(Error::new(ErrorCode::SandboxUnavailable, message).retryable())
}

/// What the objects of a sandbox will be known by.
pub(super) fn identity(
    cluster: &Cluster,
    id: &str,
    labels: &[(String, String)],
    made: Timestamp,
    lifetime: Duration,
) -> Identity {
    let expires = made.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    Identity {
        id: id.to_owned(),
        sidecar: cluster.sidecar.clone(),
        labels: labels.to_vec(),
        // Whole seconds are enough, and easier to read.
        expires: expires.round(jiff::Unit::Second).unwrap_or(expires),
        process: Process::current().clone(),
    }
}

/// After which the cluster ends the run by itself.
pub(super) fn deadline(plan: &Plan) -> Duration {
    plan.limits.startup_time.saturating_add(plan.limits.wall_time).saturating_add(GRACE.end + SLACK)
}

fn owner<K: Resource<DynamicType = ()>>(object: &K) -> OwnerReference {
    OwnerReference {
        api_version: K::api_version(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        controller: None,
        block_owner_deletion: None,
    }
}
