//! From the start of an execution's container to the last frame of its runner.

use super::{
    attach::Attachment,
    output::{Output, Signal, Stop},
};
use crate::{
    api::{RequestError, error, with_timeout},
    cleanup::CleanupGuard,
    connection::Cluster,
    manifest::CONTAINER,
    watch::{ObservedPod, PodStatus, Subscription, pod_status},
};
use backon::{BackoffBuilder, ExponentialBuilder};
use cofferdam_core::{
    ExecutionContext,
    execution_state::{ExecutionState, SandboxEnd as End},
};
use cofferdam_protocol::LogDecoder;
use cofferdam_types::Error;
use kube::api::LogParams;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(2);
const RECONNECT: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(50))
    .with_max_delay(MAX_RECONNECT_DELAY)
    .without_max_times();
/// For how long the log may be idle, and the Pod's last status be late, once the container is known to have
/// terminated.
const FINAL_OUTPUT_TIMEOUT: Duration = Duration::from_secs(4);
/// For how long an attached output may be idle, and is followed without a watch of the Pod. A stalled
/// connection looks like a program without output, while it also keeps the output from the log, or the node
/// discards the log's beginning.
const ATTACH_IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads what a container writes, to its end.
pub(super) struct Follow<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) run: &'a ExecutionContext<'a>,
    /// The id in the labels of the sandbox's objects.
    pub(super) id: &'a str,
    pub(super) pod: String,
    pub(super) pods: &'a mut Subscription<ObservedPod>,
    pub(super) cleanup: &'a mut CleanupGuard,
    pub(super) decoder: LogDecoder,
    /// What is read first.
    pub(super) attachment: Option<Attachment>,
}

/// How a sandbox ended, by its output and by the cluster.
pub(super) struct SandboxEnd {
    pub(super) end: End,
    /// The kernel killed the container because it exceeded its memory limit.
    pub(super) out_of_memory: bool,
    /// Why the sandbox was lost, if the runner has not reported an end.
    pub(super) failure: Option<Error>,
    /// For the operator.
    pub(super) detail: String,
}

impl Follow<'_> {
    /// Follows to the end.
    pub(super) async fn until_end(mut self, state: &mut ExecutionState<'_>) -> SandboxEnd {
        let mut delays = RECONNECT.build();
        loop {
            // The container has terminated, so the log that is opened now is complete.
            let is_last = self.attachment.is_none() && self.pods.latest().has_ended();
            let stop = self.read_output(state).await;
            let is_overdue = !state.is_cancelled() && Instant::now() >= state.deadline();
            match stop {
                Stop::End(End::TimedOut) => return self.conclude_overdue(state).await,
                Stop::End(end) => return self.conclude(end, None, state).await,
                _ if is_overdue => return self.conclude_overdue(state).await,
                Stop::Closed | Stop::Idle if is_last => {
                    return self.conclude(End::Disconnected, None, state).await;
                }
                Stop::Idle => {}
                Stop::Closed | Stop::Broken if state.is_cancelled() => {
                    return self.conclude(End::Disconnected, None, state).await;
                }
                Stop::Closed | Stop::Broken => {
                    sleep(delays.next().unwrap_or(MAX_RECONNECT_DELAY)).await;
                    if !self.pods.latest().has_ended() {
                        // The watch may have missed the termination. Without it, the log is read again for
                        // nothing.
                        let _ = self.request_pod().await;
                    }
                }
            }
            if self.pods.latest().is_deleted {
                return self.conclude(End::Disconnected, None, state).await;
            }
            self.decoder.restart();
        }
    }

    /// Reads one connection to its end.
    async fn read_output(&mut self, state: &mut ExecutionState<'_>) -> Stop {
        let mut output = match self.open().await {
            Ok(output) => output,
            Err(error) => {
                tracing::debug!(id = self.run.id, %error, "the log cannot be read");
                return Stop::Broken;
            }
        };
        let mut last_activity = Instant::now();
        let mut watch_at = output.is_attached().then(|| last_activity + ATTACH_IDLE_TIMEOUT);
        let mut cleanup_started = false;
        loop {
            let idle_at = self.idle_timeout(&output, state).map(|timeout| last_activity + timeout);
            let cancelled = (!cleanup_started).then_some(self.run.cancelled);
            match output.next_signal(self.pods, cancelled, state.deadline(), idle_at, watch_at).await {
                Signal::Read(read) => {
                    last_activity = Instant::now();
                    if let Some(stop) = self.take(&output, read, state) {
                        return stop;
                    }
                }
                Signal::PodChanged => last_activity = Instant::now(),
                Signal::Cancelled => {
                    cleanup_started = true;
                    self.cleanup.start();
                    state.cap_deadline();
                }
                Signal::WatchDue => {
                    watch_at = None;
                    self.cluster.pod_watch.start();
                    // The runner has not got the request to send its output again.
                    if self.decoder.awaits_replay() {
                        return Stop::Broken;
                    }
                }
                Signal::Idle => return Stop::Idle,
                Signal::DeadlineReached => return Stop::End(End::TimedOut),
            }
        }
    }

    /// Opens what is read next: the attachment once, after that the log.
    async fn open(&mut self) -> Result<Output, RequestError> {
        if let Some(attachment) = self.attachment.take() {
            return Ok(Output::attached(attachment));
        }
        self.cluster.pod_watch.start();
        let params = LogParams { container: Some(CONTAINER.into()), follow: true, ..LogParams::default() };
        Ok(Output::log(with_timeout(self.cluster.pods.log_stream(&self.pod, &params)).await?))
    }

    /// For how long the output may be idle now.
    fn idle_timeout(&self, output: &Output, state: &ExecutionState<'_>) -> Option<Duration> {
        if output.is_attached() && state.runner_has_program() {
            return Some(ATTACH_IDLE_TIMEOUT);
        }
        self.pods.latest().has_ended().then_some(FINAL_OUTPUT_TIMEOUT)
    }

    /// Takes what was read. Returns why reading stops, if so.
    fn take(
        &mut self,
        output: &Output,
        read: std::io::Result<usize>,
        state: &mut ExecutionState<'_>,
    ) -> Option<Stop> {
        let length = match read {
            // The log may have more than was attached to.
            Ok(0) => return Some(if output.is_attached() { Stop::Broken } else { Stop::Closed }),
            Ok(length) => length,
            Err(error) => {
                tracing::debug!(id = self.run.id, %error, "reading the output failed");
                return Some(Stop::Broken);
            }
        };
        match self.decoder.push(output.bytes(length)) {
            Ok(bytes) => state.push(&bytes).map(Stop::End),
            Err(_) if output.is_attached() => Some(Stop::Broken),
            Err(gap) => Some(Stop::End(End::Incomplete(gap.to_string()))),
        }
    }

    /// The deadline is over. The runner would have ended the program in time; if the container has terminated
    /// or the cluster cannot be reached, only its report is missing.
    async fn conclude_overdue(self, state: &ExecutionState<'_>) -> SandboxEnd {
        let unreachable = self.request_pod().await.err();
        let end = if self.pods.latest().has_ended() || unreachable.is_some() {
            End::Disconnected
        } else {
            End::TimedOut
        };
        self.conclude(end, unreachable, state).await
    }

    /// Adds what the cluster knows, if the runner has not reported an end.
    async fn conclude(mut self, end: End, failure: Option<Error>, state: &ExecutionState<'_>) -> SandboxEnd {
        let detail = self.decoder.foreign_lines();
        let mut result = SandboxEnd { end, out_of_memory: false, failure, detail };
        if state.ended() && !state.was_evicted() {
            result.failure = None;
            return result;
        }
        if matches!(result.end, End::Failed(_) | End::TimedOut) {
            return result;
        }
        let status = self.final_status().await;
        tracing::debug!(id = self.run.id, ?status, end = ?result.end, "the sandbox ended without a report of its runner");
        match status {
            PodStatus::Terminated { out_of_memory, detail } => {
                result.out_of_memory = out_of_memory;
                result.detail = format!("{detail} {}", result.detail);
            }
            PodStatus::Failed(error) => result.failure = Some(error),
            PodStatus::Pending { .. } | PodStatus::Unschedulable(_) | PodStatus::Running => {}
        }
        result
    }

    /// The last status of the Pod. It reports the reason for an end a little later than the log ends.
    async fn final_status(&mut self) -> PodStatus {
        self.cluster.pod_watch.start();
        if self.pods.latest().pod.is_none() {
            // It may have been deleted before it was ever observed.
            let _ = self.request_pod().await;
        }
        let ended = timeout(FINAL_OUTPUT_TIMEOUT, async {
            while !self.pods.latest().has_ended() {
                self.pods.changed().await;
            }
        });
        // After the time limit, the latest observed status counts.
        let _ = ended.await;
        let observed = self.pods.latest();
        match observed.pod.as_deref().map_or(PodStatus::Running, pod_status::of) {
            PodStatus::Pending { .. } | PodStatus::Unschedulable(_) | PodStatus::Running
                if observed.is_deleted =>
            {
                PodStatus::Failed(pod_status::evicted("the Pod was deleted", false))
            }
            status => status,
        }
    }

    /// Requests the Pod instead of waiting for the watch.
    async fn request_pod(&self) -> Result<(), Error> {
        let pod = self.cluster.get_pod(self.id).await;
        self.pods.set(pod.map_err(|error| error::from_request("read the Pod", &error, true))?);
        Ok(())
    }
}
