//! From the creation of a run's objects to the start of its container.

use super::{
    cluster::Cluster,
    condition::{self, Condition},
    inquiry,
    pod_watch::Subscription,
    shared_runner::SharedRunner,
};
use crate::{
    execution::{Error, ErrorCode},
    sandbox::{
        Run,
        progress::{Progress, startup_timeout},
    },
};
use k8s_openapi::api::core::v1::Pod;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

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
    pub(super) pod: Arc<Pod>,
    /// When a node had been found, since the request.
    pub(super) scheduled: Option<Duration>,
}

impl Start<'_> {
    /// Gives the Pod, or why there will be none.
    pub(super) async fn wait(&self, sightings: &mut Subscription, progress: &Progress<'_>) -> Result<Started, Error> {
        let mut wait = Wait { scheduled: None, unschedulable: None, may_scale_up: true, complaint: None };
        let (mut pause, mut inquiries) = (INQUIRY.0, 0);
        let mut next_inquiry = Instant::now() + pause;
        loop {
            let seen = sightings.latest();
            if let Some(pod) = &seen.pod {
                let was_scheduled = wait.scheduled.is_some();
                let has_started = wait.take(condition::of(pod), self.run)?;
                if !was_scheduled && wait.scheduled.is_some() {
                    next_inquiry = Instant::now() + ON_NODE;
                }
                match has_started {
                    true => return Ok(Started { pod: pod.clone(), scheduled: wait.scheduled }),
                    false if seen.is_gone => return Err(condition::taken_away("the Pod is gone", true)),
                    false => {}
                }
            }
            let give_up_node = wait.give_up_node(self.scale_up);
            tokio::select! {
                () = sightings.changed() => continue,
                () = self.run.cancelled.cancelled() => {
                    let text = "the run was cancelled before its program was seen to start";
                    return Err(Error::new(ErrorCode::Cancelled, text));
                }
                () = sleep_until(progress.deadline()) => return Err(wait.overdue()),
                () = sleep_until(next_inquiry.min(give_up_node)) => {}
            }
            inquiries += 1;
            let heard = self.inquire(sightings, seen.pod.as_deref(), inquiries >= DISTRUST, progress).await?;
            wait.complaint = heard.complaint.or(wait.complaint);
            if wait.unschedulable.is_some() && !heard.is_scaling_up {
                if heard.will_not_scale_up || Instant::now() >= give_up_node {
                    return Err(wait.overdue());
                }
            } else if heard.is_scaling_up {
                wait.may_scale_up = false;
            }
            pause = (pause * 2).min(INQUIRY.1);
            next_inquiry = Instant::now() + pause;
        }
    }

    async fn inquire(
        &self,
        sightings: &Subscription,
        pod: Option<&Pod>,
        also_pod: bool,
        progress: &Progress<'_>,
    ) -> Result<inquiry::Heard, Error> {
        if also_pod {
            match inquiry::pod(self.cluster, &self.run.id).await {
                Ok(pod) => sightings.correct(pod),
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
struct Wait {
    scheduled: Option<Duration>,
    /// In the scheduler's words, and since when.
    unschedulable: Option<(String, Instant)>,
    /// Whether a new node is still only hoped for.
    may_scale_up: bool,
    complaint: Option<String>,
}

impl Wait {
    /// Whether the container has started.
    fn take(&mut self, condition: Condition, run: &Run<'_>) -> Result<bool, Error> {
        if !matches!(condition, Condition::Unschedulable(_)) {
            self.unschedulable = None;
        }
        match condition {
            Condition::Pending { scheduled: false } => {}
            Condition::Pending { scheduled: true } => {
                self.scheduled.get_or_insert_with(|| run.elapsed());
            }
            Condition::Unschedulable(message) => {
                let since = self.unschedulable.take().map_or_else(Instant::now, |(_, since)| since);
                self.unschedulable = Some((message, since));
            }
            Condition::Running | Condition::Ended { .. } => return Ok(true),
            Condition::Lost(error) => return Err(error),
        }
        Ok(false)
    }

    /// When it is clear that no node will come; far off while one may.
    fn give_up_node(&self, scale_up: Duration) -> Instant {
        match &self.unschedulable {
            Some((message, since)) if self.may_scale_up && !condition::is_only_full(message) => *since + scale_up,
            _ => Instant::now() + INQUIRY.1,
        }
    }

    /// Why it took too long.
    fn overdue(self) -> Error {
        let error = match (&self.unschedulable, &self.complaint) {
            (Some((message, _)), _) => return condition::unschedulable(message),
            (None, Some(complaint)) => startup_timeout().with_detail(complaint),
            (None, None) => startup_timeout(),
        };
        error.retryable()
    }
}
