//! A Pod that is started before there is a program for it, and the connection over which that will come.

use super::{
    KubernetesBackend,
    cluster::Cluster,
    follow::Follow,
    joining::Joined,
    manifest::Identity,
    removal::Removal,
    run::{GRACE, Sandbox, cancelled, deadline, identity, refuse_too_large, template},
    start::Started,
};
use cofferdam_core::{
    NoObserver, Run, new_id,
    policy::{Limits, Plan, Profile},
    progress::Progress,
    readiness::Readiness,
};
use cofferdam_protocol::{LogDecoder, Message, encode_message};
use cofferdam_types::{Error, ErrorCode, Report, Timings};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long a sandbox that waits may take to say that it is there.
const ATTENTION: Duration = Duration::from_secs(1);
/// How long its interpreter may take to be up.
const PREPARATION: Duration = Duration::from_secs(60);
const CHUNK: usize = 4096;

/// A Pod that waits. It is removed when this is dropped.
#[derive(Debug)]
pub struct Waiting {
    cluster: Arc<Cluster>,
    identity: Identity,
    pod: String,
    joined: Joined,
    decoder: LogDecoder,
    removal: Removal,
}

impl Waiting {
    /// Starts one.
    pub(super) async fn start(
        backend: &KubernetesBackend,
        profile: &Profile,
        max_age: Duration,
        is_cancelled: &CancellationToken,
    ) -> Result<Self, Error> {
        let settings = &backend.settings;
        let plan = profile.plan();
        let plan = Plan {
            limits: Limits {
                // All the time that it may wait and its program may then have.
                wall_time: max_age.saturating_add(backend.max_wall_time),
                startup_time: backend.startup_time,
                ..plan.limits
            },
            ..plan.clone()
        };
        let run = Run { id: new_id(), requested: Instant::now(), cancelled: is_cancelled, observer: &NoObserver };
        let progress = Progress::new(&run, &plan, false, GRACE);
        let cluster = backend.cluster().await?;
        // A runner that nobody has found by then ends.
        let lifetime = plan.limits.startup_time.saturating_add(max_age);
        let made = cluster.clock.now();
        let identity = identity(&cluster, &run.id, &[], made, lifetime);
        let template = template(backend, &plan, None, &identity)?;
        let (mut events, mut sightings) =
            (cluster.event_watch.subscribe(&run.id), cluster.pod_watch.subscribe(&run.id));
        let mut removal = Removal::new(cluster.clone(), backend.removals.clone(), settings.workload, &run.id);
        let sandbox = Sandbox { backend, cluster: &cluster, identity: &identity, run: &run };
        tokio::select! {
            owner = sandbox.create_owner(template, made, deadline(&plan), progress.deadline(), &mut removal) => owner?,
            () = is_cancelled.cancelled() => return Err(cancelled()),
        };
        let Started { pod, .. } = sandbox.start(&mut events, &mut sightings, &progress).await?;
        let joined = Joined::new(&cluster.pods, &pod).await.map_err(|error| unusable(&error))?;
        let mut waiting = Self { cluster, identity, pod, joined, decoder: LogDecoder::default(), removal };
        // The runner has said that it is ready before it could be heard; it says it again with its first answer.
        waiting.decoder.expect_replay();
        let message = Message::Prepare(profile.preparation());
        let prepared = tokio::select! {
            prepared = waiting.say(&message, 2) => prepared,
            () = sleep(PREPARATION) => Err(io::ErrorKind::TimedOut.into()),
            () = is_cancelled.cancelled() => return Err(cancelled()),
        };
        prepared.map_err(|error| unusable(&error))?;
        Ok(waiting)
    }

    /// Whether its runner still waits.
    pub(super) async fn attends(&mut self) -> bool {
        matches!(timeout(ATTENTION, self.say(&Message::Ping, 1)).await, Ok(Ok(())))
    }

    /// Sends a message and hears so many times that the runner is ready for the next.
    async fn say(&mut self, message: &Message, times: usize) -> io::Result<()> {
        self.joined.write(&encode_message(message).map_err(io::Error::other)?).await?;
        let (mut readiness, mut chunk) = (Readiness::awaited(times), [0; CHUNK]);
        loop {
            let length = self.joined.read(&mut chunk).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if readiness.take(&self.decoder.push(&chunk[..length]).map_err(io::Error::other)?)? {
                return Ok(());
            }
        }
    }

    /// Runs the plan's program in it.
    pub(super) async fn run(self, backend: &KubernetesBackend, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        refuse_too_large(&plan)?;
        let mut progress = Progress::new(run, &plan, true, GRACE);
        let message = encode_message(&Message::Run(plan.program))
            .map_err(|error| Error::new(ErrorCode::TooLarge, "the request is too large").with_detail(error))?;
        let Self { cluster, identity, pod, mut joined, decoder, mut removal } = self;
        let mut sightings = cluster.pod_watch.subscribe(&identity.id);
        let sandbox = Sandbox { backend, cluster: &cluster, identity: &identity, run };
        let sent = tokio::select! {
            sent = joined.write(&message) => sent.map_err(|error| unusable(&error)),
            () = sleep_until(progress.deadline()) => Err(unusable(&io::Error::from(io::ErrorKind::TimedOut))),
            () = run.cancelled.cancelled() => Err(cancelled()),
        };
        drop(message);
        // What is only there in part is not run.
        let was_sent = sent.is_ok();
        let ended = match sent {
            Ok(()) => {
                let follow = Follow::of_waiting(&cluster, run, (&identity.id, pod), (joined, decoder));
                Ok((follow.until_end(&mut sightings, &mut progress, &mut removal).await, Timings::default()))
            }
            Err(error) => Err(error),
        };
        sandbox.finish(ended, progress, &mut removal, &mut sightings, was_sent).await
    }
}

fn unusable(error: &dyn std::error::Error) -> Error {
    let text = "the sandbox that had been started ahead cannot be reached any more; try again";
    Error::new(ErrorCode::Unreachable, text).with_detail(error).retryable()
}
