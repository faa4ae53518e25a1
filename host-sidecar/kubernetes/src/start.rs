//! From the creation of a run's objects to the start of its container.

use super::{
    cluster::Cluster,
    condition::{self, Condition},
    pod_watch::Sighting,
    run::cancelled,
    shared_runner::SharedRunner,
    subscribers::Subscription,
    told::Told,
};
use cofferdam_core::{
    Phase, Run,
    progress::{Progress, startup_timeout},
};
use cofferdam_types::Error;
use kube::ResourceExt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long events alone are waited for: a start that takes longer is followed more closely.
const UNSEEN: Duration = Duration::from_secs(5);
/// How long nothing need be heard of a Pod before what was told is looked into, at first and at the most.
const REVIEW: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(16));
/// The same for a Pod that a node is at work on.
const ON_NODE: Duration = Duration::from_secs(6);
/// The reviews from which on the watches are not relied on.
const DISTRUST: u32 = 3;

/// Waits for the container of a run to start.
pub(super) struct Start<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) runner: &'a SharedRunner,
    pub(super) run: &'a Run<'a>,
    pub(super) scale_up: Duration,
}

/// A container that runs, or has run.
pub(super) struct Started {
    pub(super) pod: String,
    /// Whether it was told of, and not seen: its log cannot be had yet.
    pub(super) was_told: bool,
    /// When a node had been found, since the request.
    pub(super) scheduled: Option<Duration>,
    /// When the image was there, since the request.
    pub(super) pulled: Option<Duration>,
}

impl Start<'_> {
    /// Gives the Pod, or why there will be none.
    pub(super) async fn wait(
        &self,
        events: &mut Subscription<Told>,
        sightings: &mut Subscription<Sighting>,
        progress: &Progress<'_>,
    ) -> Result<Started, Error> {
        let mut wait = Wait::default();
        let (mut pause, mut reviews) = (REVIEW.0, 0);
        let mut next_review = Instant::now() + UNSEEN;
        loop {
            if let Some(started) = wait.hear(events.latest(), self.run) {
                return Ok(started);
            }
            if wait.is_amiss {
                break;
            }
            tokio::select! {
                () = events.changed() => {}
                () = self.run.cancelled.cancelled() => return Err(cancelled()),
                () = sleep_until(progress.deadline()) => return Err(self.overdue(wait)),
                () = sleep_until(next_review) => break,
            }
        }
        self.cluster.pod_watch.begin();
        // What is amiss is not waited for.
        next_review = Instant::now() + if wait.is_amiss { Duration::ZERO } else { pause };
        loop {
            let told = events.latest();
            if let Some(started) = wait.hear(told.clone(), self.run) {
                return Ok(started);
            }
            let seen = sightings.latest();
            if let Some(error) = told.refused().filter(|_| seen.pod.is_none()).or(told.stuck) {
                return Err(error);
            }
            if let Some(pod) = &seen.pod {
                let was_scheduled = wait.scheduled.is_some();
                if wait.take(condition::of(pod), self.run)? {
                    return Ok(wait.started(pod.name_any(), false));
                }
                if seen.is_gone {
                    return Err(condition::taken_away("the Pod is gone", true));
                }
                if !was_scheduled && wait.scheduled.is_some() {
                    next_review = Instant::now() + ON_NODE;
                }
            }
            let give_up_node = wait.give_up_node(self.scale_up);
            let due = give_up_node.map_or(next_review, |give_up| give_up.min(next_review));
            tokio::select! {
                () = sightings.changed() => continue,
                () = events.changed() => continue,
                () = self.run.cancelled.cancelled() => return Err(cancelled()),
                () = sleep_until(progress.deadline()) => return Err(self.overdue(wait)),
                () = sleep_until(due) => {}
            }
            tokio::select! {
                reviewed = self.review(events, reviews >= DISTRUST, progress) => reviewed?,
                () = self.run.cancelled.cancelled() => return Err(cancelled()),
                () = sleep_until(progress.deadline()) => return Err(self.overdue(wait)),
            }
            reviews += 1;
            let no_node =
                events.latest().will_not_scale_up || give_up_node.is_some_and(|give_up| Instant::now() >= give_up);
            if no_node && wait.give_up_node(self.scale_up).is_some() {
                return Err(self.overdue(wait));
            }
            pause = (pause * 2).min(REVIEW.1);
            next_review = Instant::now() + pause;
        }
    }

    /// Why it took too long.
    fn overdue(&self, wait: Wait) -> Error {
        if wait.scheduled.is_some() {
            // Perhaps it lacks the runner, and nobody may read the event that says so.
            self.runner.forget();
        }
        let error = match (wait.unschedulable, wait.complaint) {
            (Some((message, _)), _) => return condition::unschedulable(&message),
            (None, Some(complaint)) => startup_timeout().with_detail(complaint),
            (None, None) => startup_timeout(),
        };
        error.retryable()
    }

    /// Makes up for what the watches may have missed, where they may have, and for a runner that is missing.
    async fn review(&self, events: &Subscription<Told>, distrusts: bool, progress: &Progress<'_>) -> Result<(), Error> {
        if distrusts || events.latest().has_gaps {
            for looked in [self.cluster.pod_watch.look().await, self.cluster.event_watch.look().await] {
                if let Err(error) = looked {
                    tracing::debug!(id = self.run.id, %error, "what was missed could not be looked at");
                }
            }
        }
        if events.latest().lacks_runner {
            self.runner.forget();
            self.runner.ensure(self.cluster, progress.deadline()).await?;
        }
        Ok(())
    }
}

/// What has been seen while waiting.
#[derive(Default)]
struct Wait {
    scheduled: Option<Duration>,
    pulled: Option<Duration>,
    is_amiss: bool,
    /// In the scheduler's words, and since when.
    unschedulable: Option<(String, Instant)>,
    is_scaling_up: bool,
    complaint: Option<String>,
}

impl Wait {
    /// Gives the start, if that was told.
    fn hear(&mut self, told: Told, run: &Run<'_>) -> Option<Started> {
        let since = |time: Instant| time.into_std().saturating_duration_since(run.requested);
        if let (None, Some(time)) = (self.scheduled, told.scheduled) {
            self.scheduled = Some(since(time));
            run.observer.entered(Phase::Scheduled);
        }
        self.pulled = told.pulled.map(since);
        self.is_amiss |= told.is_amiss;
        self.is_scaling_up |= told.is_scaling_up;
        self.complaint = told.complaint;
        told.started.map(|pod| self.started(pod, true))
    }

    fn started(&self, pod: String, was_told: bool) -> Started {
        Started { pod, was_told, scheduled: self.scheduled, pulled: self.pulled }
    }

    /// Whether the container has started.
    fn take(&mut self, condition: Condition, run: &Run<'_>) -> Result<bool, Error> {
        if !matches!(condition, Condition::Unschedulable(_)) {
            self.unschedulable = None;
        }
        match condition {
            Condition::Pending { scheduled: false } => {}
            Condition::Pending { scheduled: true } => {
                self.scheduled.get_or_insert_with(|| {
                    run.observer.entered(Phase::Scheduled);
                    run.elapsed()
                });
            }
            Condition::Unschedulable(message) => {
                if condition::is_only_full(&message) {
                    run.observer.lacks_room();
                }
                let since = self.unschedulable.take().map_or_else(Instant::now, |(_, since)| since);
                self.unschedulable = Some((message, since));
            }
            Condition::Running | Condition::Ended { .. } => return Ok(true),
            Condition::Lost(error) => return Err(error),
        }
        Ok(false)
    }

    /// When it will be clear that no node comes; none while one may.
    fn give_up_node(&self, scale_up: Duration) -> Option<Instant> {
        let (message, since) = self.unschedulable.as_ref()?;
        (!self.is_scaling_up && !condition::is_only_full(message)).then(|| *since + scale_up)
    }
}
