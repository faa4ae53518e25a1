//! From the creation of an execution's objects to the start of its container.

use super::{
    shared_runner::SharedRunner,
    start_state::{StartState, Started},
};
use crate::{
    connection::Cluster,
    watch::{EventState, ObservedPod, Subscription, pod_status},
};
use cofferdam_core::{
    ExecutionContext,
    execution_state::{ExecutionState, cancelled_before_start},
};
use cofferdam_types::Error;
use kube::ResourceExt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// For how long events alone are awaited. Most Pods start within this time, and need no watch.
const EVENTS_ONLY_TIME: Duration = Duration::from_secs(5);
/// Time without a start until the first review. It doubles with each review.
const FIRST_REVIEW_DELAY: Duration = Duration::from_secs(2);
const MAX_REVIEW_DELAY: Duration = Duration::from_secs(16);
/// Time until the next review once a node is assigned.
const REVIEW_DELAY_ON_NODE: Duration = Duration::from_secs(6);
/// Number of reviews after which each review lists Pods and events again, even if the watches report no gap.
const REVIEWS_BEFORE_RELIST: u32 = 3;

/// Waits for the container of an execution to start.
pub(super) struct Start<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) runner: &'a SharedRunner,
    pub(super) run: &'a ExecutionContext<'a>,
    /// For how long an unschedulable Pod waits for an event about a new node.
    pub(super) scale_up_time: Duration,
    pub(super) state: &'a ExecutionState<'a>,
}

/// What ends a pause.
enum Signal {
    Changed,
    ReviewDue,
}

impl Start<'_> {
    /// Returns the Pod whose container has started.
    ///
    /// # Errors
    ///
    /// Why it did not start.
    pub(super) async fn wait(
        &self,
        events: &mut Subscription<EventState>,
        pods: &mut Subscription<ObservedPod>,
    ) -> Result<Started, Error> {
        let mut state = StartState::default();
        if let Some(started) = self.wait_for_events(&mut state, events, pods).await? {
            return Ok(started);
        }
        self.cluster.pod_watch.start();
        self.wait_with_reviews(state, events, pods).await
    }

    /// Waits with the events alone. Returns `None` if the Pod has to be watched too.
    async fn wait_for_events(
        &self,
        state: &mut StartState,
        events: &mut Subscription<EventState>,
        pods: &mut Subscription<ObservedPod>,
    ) -> Result<Option<Started>, Error> {
        let end = Instant::now() + EVENTS_ONLY_TIME;
        loop {
            if let Some(pod) = state.apply_events(events.latest(), self.run) {
                return Ok(Some(state.started(pod, true)));
            }
            if state.needs_attention {
                return Ok(None);
            }
            match self.next_signal(state, events, pods, end).await? {
                Signal::Changed => {}
                Signal::ReviewDue => return Ok(None),
            }
        }
    }

    /// Waits with the events and the watch of the Pod, and reviews from time to time what these may have
    /// missed.
    async fn wait_with_reviews(
        &self,
        mut state: StartState,
        events: &mut Subscription<EventState>,
        pods: &mut Subscription<ObservedPod>,
    ) -> Result<Started, Error> {
        let (mut delay, mut reviews) = (FIRST_REVIEW_DELAY, 0);
        let mut review_at = Instant::now() + if state.needs_attention { Duration::ZERO } else { delay };
        loop {
            let latest = events.latest();
            if let Some(pod) = state.apply_events(latest.clone(), self.run) {
                return Ok(state.started(pod, true));
            }
            let was_scheduled = state.is_scheduled();
            if let Some(started) = self.apply_pod(&mut state, &latest, &pods.latest())? {
                return Ok(started);
            }
            if !was_scheduled && state.is_scheduled() {
                review_at = Instant::now() + REVIEW_DELAY_ON_NODE;
            }
            let scale_up_deadline = state.scale_up_deadline(self.scale_up_time);
            let due = scale_up_deadline.map_or(review_at, |deadline| deadline.min(review_at));
            match self.next_signal(&state, events, pods, due).await? {
                Signal::Changed => continue,
                Signal::ReviewDue => {}
            }
            tokio::select! {
                reviewed = self.review(events, reviews >= REVIEWS_BEFORE_RELIST) => reviewed?,
                error = self.interrupted(&state) => return Err(error),
            }
            reviews += 1;
            if let Some(deadline) = scale_up_deadline
                && (events.latest().will_not_scale_up || Instant::now() >= deadline)
            {
                return Err(self.timeout_error(&state));
            }
            delay = (delay * 2).min(MAX_REVIEW_DELAY);
            review_at = Instant::now() + delay;
        }
    }

    /// Waits for a change or the next review.
    async fn next_signal(
        &self,
        state: &StartState,
        events: &mut Subscription<EventState>,
        pods: &mut Subscription<ObservedPod>,
        review_at: Instant,
    ) -> Result<Signal, Error> {
        tokio::select! {
            () = events.changed() => Ok(Signal::Changed),
            () = pods.changed() => Ok(Signal::Changed),
            () = sleep_until(review_at) => Ok(Signal::ReviewDue),
            error = self.interrupted(state) => Err(error),
        }
    }

    /// Waits for a reason to give up.
    async fn interrupted(&self, state: &StartState) -> Error {
        tokio::select! {
            () = self.run.cancelled.cancelled() => cancelled_before_start(),
            () = sleep_until(self.state.deadline()) => self.timeout_error(state),
        }
    }

    /// Applies the Pod, unless the events report why it will not start. The module `execution` documents the
    /// order.
    fn apply_pod(
        &self,
        state: &mut StartState,
        events: &EventState,
        observed: &ObservedPod,
    ) -> Result<Option<Started>, Error> {
        let refused = events.refused().filter(|_| observed.pod.is_none());
        if let Some(error) = refused.or_else(|| events.stuck.clone()) {
            return Err(error);
        }
        let Some(pod) = &observed.pod else { return Ok(None) };
        if state.apply_pod(pod_status::of(pod), self.run)? {
            return Ok(Some(state.started(pod.name_any(), false)));
        }
        if observed.is_deleted {
            return Err(pod_status::evicted("the Pod was deleted", true));
        }
        Ok(None)
    }

    /// Makes up for what the watches may have missed, and for a runner that is missing.
    async fn review(&self, events: &Subscription<EventState>, distrusts_watches: bool) -> Result<(), Error> {
        if distrusts_watches || events.latest().has_gaps {
            for relisted in [self.cluster.pod_watch.relist().await, self.cluster.event_watch.relist().await] {
                if let Err(error) = relisted {
                    tracing::debug!(id = self.run.id, %error, "the objects could not be listed");
                }
            }
        }
        if events.latest().lacks_runner {
            self.runner.invalidate();
            self.runner.ensure(self.cluster, self.state.deadline()).await?;
        }
        Ok(())
    }

    fn timeout_error(&self, state: &StartState) -> Error {
        if state.is_scheduled() {
            // The cause may be a missing runner, if the sidecar may not read the event about it.
            self.runner.invalidate();
        }
        state.timeout_error()
    }
}
