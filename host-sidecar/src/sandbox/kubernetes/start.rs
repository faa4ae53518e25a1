//! From the creation of a run's objects to the start of its container.

use super::{
    cluster::Cluster,
    condition::{self, Condition},
    event_watch::Told,
    inquiry,
    pod_watch::Sighting,
    run::cancelled,
    shared_runner::SharedRunner,
    subscribers::Subscription,
};
use crate::{
    execution::Error,
    sandbox::{
        Phase, Run,
        progress::{Progress, startup_timeout},
    },
};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long events alone are waited for: a start that takes longer is followed more closely.
const UNSEEN: Duration = Duration::from_secs(5);
/// How long nothing need be heard of a Pod before it is asked for, at first and at the most.
const INQUIRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(16));
/// The same for a Pod that a node is at work on.
const ON_NODE: Duration = Duration::from_secs(6);
/// The inquiries from which on the watch is not relied on either.
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
        let (mut pause, mut inquiries) = (INQUIRY.0, 0);
        let mut next_inquiry = Instant::now() + UNSEEN;
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
                () = sleep_until(next_inquiry) => break,
            }
        }
        self.cluster.pod_watch.begin();
        // What is amiss is not waited for.
        next_inquiry = Instant::now() + if wait.is_amiss { Duration::ZERO } else { pause };
        loop {
            if let Some(started) = wait.hear(events.latest(), self.run) {
                return Ok(started);
            }
            let seen = sightings.latest();
            if let Some(pod) = &seen.pod {
                let was_scheduled = wait.scheduled.is_some();
                if wait.take(condition::of(pod), self.run)? {
                    return Ok(wait.started(pod.name_any(), false));
                }
                if seen.is_gone {
                    return Err(condition::taken_away("the Pod is gone", true));
                }
                if !was_scheduled && wait.scheduled.is_some() {
                    next_inquiry = Instant::now() + ON_NODE;
                }
            }
            let give_up_node = wait.give_up_node(self.scale_up);
            let due = give_up_node.map_or(next_inquiry, |give_up| give_up.min(next_inquiry));
            tokio::select! {
                () = sightings.changed() => continue,
                () = events.changed() => continue,
                () = self.run.cancelled.cancelled() => return Err(cancelled()),
                () = sleep_until(progress.deadline()) => return Err(self.overdue(wait)),
                () = sleep_until(due) => {}
            }
            let heard = tokio::select! {
                heard = self.inquire(sightings, seen.pod.as_deref(), inquiries >= DISTRUST, progress) => heard?,
                () = self.run.cancelled.cancelled() => return Err(cancelled()),
                () = sleep_until(progress.deadline()) => return Err(self.overdue(wait)),
            };
            inquiries += 1;
            wait.complaint = heard.complaint.or(wait.complaint);
            wait.is_scaling_up |= heard.is_scaling_up;
            let no_node = heard.will_not_scale_up || give_up_node.is_some_and(|give_up| Instant::now() >= give_up);
            if no_node && wait.give_up_node(self.scale_up).is_some() {
                return Err(self.overdue(wait));
            }
            pause = (pause * 2).min(INQUIRY.1);
            next_inquiry = Instant::now() + pause;
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

    async fn inquire(
        &self,
        sightings: &Subscription<Sighting>,
        pod: Option<&Pod>,
        also_pod: bool,
        progress: &Progress<'_>,
    ) -> Result<inquiry::Heard, Error> {
        if also_pod {
            match inquiry::pod(self.cluster, &self.run.id).await {
                Ok(pod) => sightings.correct(pod, false),
                Err(error) => tracing::debug!(id = self.run.id, %error, "the Pod could not be looked for"),
            }
        }
        let heard = match inquiry::events(self.cluster, &self.run.id, pod).await {
            Ok(heard) => heard,
            // They are a help, not a need.
            Err(error) => {
                tracing::debug!(id = self.run.id, %error, "events could not be read");
                inquiry::Heard::default()
            }
        };
        if heard.lacks_runner {
            self.runner.forget();
            self.runner.ensure(self.cluster, progress.deadline()).await?;
        }
        match heard.fatal {
            Some(error) => Err(error),
            None => Ok(heard),
        }
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
