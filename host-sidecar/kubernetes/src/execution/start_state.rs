//! How far a sandbox has come on its way to a start. Pure, except for the clock.

use crate::watch::{EventState, PodStatus, pod_status};
use cofferdam_core::{ExecutionContext, Phase, execution_state::startup_timeout};
use cofferdam_types::Error;
use std::time::Duration;
use tokio::time::Instant;

/// A container that has started.
pub(super) struct Started {
    pub(super) pod: String,
    /// An event has reported it, and the kubelet may not have its log yet.
    pub(super) by_event: bool,
    /// Time from the request until a node was assigned.
    pub(super) scheduled: Option<Duration>,
    /// Time from the request until the image was on the node.
    pub(super) pulled: Option<Duration>,
}

#[derive(Default)]
pub(super) struct StartState {
    scheduled: Option<Duration>,
    pulled: Option<Duration>,
    pub(super) needs_attention: bool,
    /// The scheduler's message, and since when no node can take the Pod.
    unschedulable: Option<(String, Instant)>,
    is_scaling_up: bool,
    warning: Option<String>,
}

impl StartState {
    /// Applies the events. Returns the Pod whose container has started.
    pub(super) fn apply_events(&mut self, events: EventState, run: &ExecutionContext<'_>) -> Option<String> {
        let since_request = |time: Instant| time.saturating_duration_since(run.requested);
        if let (None, Some(time)) = (self.scheduled, events.scheduled) {
            self.scheduled = Some(since_request(time));
            run.observer.on_phase(Phase::Scheduled);
        }
        self.pulled = events.pulled.map(since_request);
        self.needs_attention |= events.needs_attention;
        self.is_scaling_up |= events.is_scaling_up;
        self.warning = events.warning;
        events.started
    }

    /// Applies the status of the Pod. Returns whether its container has started.
    pub(super) fn apply_pod(&mut self, status: PodStatus, run: &ExecutionContext<'_>) -> Result<bool, Error> {
        if !matches!(status, PodStatus::Unschedulable(_)) {
            self.unschedulable = None;
        }
        match status {
            PodStatus::Pending { scheduled: false } => {}
            PodStatus::Pending { scheduled: true } => {
                if self.scheduled.is_none() {
                    run.observer.on_phase(Phase::Scheduled);
                    self.scheduled = Some(run.elapsed());
                }
            }
            PodStatus::Unschedulable(message) => {
                if pod_status::is_only_full(&message) {
                    run.observer.on_insufficient_capacity();
                }
                let since = self.unschedulable.take().map_or_else(Instant::now, |(_, since)| since);
                self.unschedulable = Some((message, since));
            }
            PodStatus::Running | PodStatus::Terminated { .. } => return Ok(true),
            PodStatus::Failed(error) => return Err(error),
        }
        Ok(false)
    }

    pub(super) fn is_scheduled(&self) -> bool {
        self.scheduled.is_some()
    }

    pub(super) fn started(&self, pod: String, by_event: bool) -> Started {
        Started { pod, by_event, scheduled: self.scheduled, pulled: self.pulled }
    }

    /// Time after which no new node is expected. `None` if the Pod has a node, or may get one.
    pub(super) fn scale_up_deadline(&self, scale_up_time: Duration) -> Option<Instant> {
        let (message, since) = self.unschedulable.as_ref()?;
        (!self.is_scaling_up && !pod_status::is_only_full(message)).then(|| *since + scale_up_time)
    }

    /// Why the container has not started in time.
    pub(super) fn timeout_error(&self) -> Error {
        let error = match (&self.unschedulable, &self.warning) {
            (Some((message, _)), _) => return pod_status::unschedulable(message),
            (None, Some(warning)) => startup_timeout().with_detail(warning),
            (None, None) => startup_timeout(),
        };
        error.retryable()
    }
}
