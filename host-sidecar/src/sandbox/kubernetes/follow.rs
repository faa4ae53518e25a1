//! From the start of a run's container to the runner's last word.

use super::{
    cluster::{Cluster, bounded},
    condition::{self, Condition},
    manifest::CONTAINER,
    pod_watch::Subscription,
    removal::Removal,
};
use crate::{
    execution::Error,
    sandbox::{
        Run,
        progress::{End, GRACE, Progress},
    },
};
use cofferdam_protocol::LogDecoder;
use futures_util::{AsyncRead, AsyncReadExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::LogParams};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Between two attempts to read the log, at first and at the most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long the log and the Pod's last state may take once the Pod is known to have ended.
const LAST_WORDS: Duration = Duration::from_secs(4);
const CHUNK: usize = 128 << 10;

type Log = Pin<Box<dyn AsyncRead + Send>>;

/// Reads a container's log to its end.
pub(super) struct Follow<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) run: &'a Run<'a>,
    pub(super) pod: Arc<Pod>,
    pub(super) decoder: LogDecoder,
}

/// How a sandbox ended, as its log and the cluster tell it.
pub(super) struct Ended {
    pub(super) end: End,
    /// The kernel killed the container for its memory.
    pub(super) out_of_memory: bool,
    /// What the cluster says of it, if it took the sandbox away.
    pub(super) lost: Option<Error>,
    /// For the operator.
    pub(super) detail: String,
}

impl Follow<'_> {
    /// Follows to the end, which the progress learns of.
    pub(super) async fn until_end(
        mut self,
        sightings: &mut Subscription,
        progress: &mut Progress<'_>,
        removal: &mut Removal,
    ) -> Ended {
        let mut pause = BACKOFF.0;
        let mut is_last = false;
        let end = loop {
            is_last |= self.has_ended(sightings);
            let read = self.read(sightings, progress, removal).await;
            match read {
                Read::End(End::Overdue) if !is_last && !self.run.cancelled.is_cancelled() => {
                    // Perhaps it is only the connection that is silent.
                    is_last = true;
                    progress.extend(LAST_WORDS);
                }
                Read::End(end) => break end,
                // All there is has been read.
                Read::Closed if is_last => break End::Vanished,
                Read::Closed | Read::Broken => {
                    if self.run.cancelled.is_cancelled() || Instant::now() >= progress.deadline() {
                        break End::Vanished;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF.1);
                }
            }
            if sightings.latest().is_gone {
                break End::Vanished;
            }
            self.decoder.restart();
        };
        let (mut out_of_memory, mut lost, mut detail) = (false, None, self.decoder.other());
        if progress.was_taken_away() || !matches!(end, End::Done | End::Failed(_)) && !progress.ended() {
            let condition = self.last_condition(sightings).await;
            tracing::debug!(id = self.run.id, ?condition, ?end, "the sandbox ended without a last word");
            match condition {
                Condition::Ended { out_of_memory: was, detail: why } => {
                    out_of_memory = was;
                    detail = format!("{why} {detail}");
                }
                Condition::Lost(error) => lost = Some(error),
                _ => {}
            }
        }
        Ended { end, out_of_memory, lost, detail }
    }

    /// Reads the log once, as far as it goes.
    async fn read(&mut self, sightings: &mut Subscription, progress: &mut Progress<'_>, removal: &mut Removal) -> Read {
        let params = LogParams { container: Some(CONTAINER.into()), follow: true, ..LogParams::default() };
        let name = self.pod.name_any();
        let mut log: Log = match bounded(self.cluster.pods.log_stream(&name, &params)).await {
            Ok(log) => Box::pin(log),
            Err(error) => {
                tracing::debug!(id = self.run.id, %error, "the log cannot be read yet");
                return if Instant::now() >= progress.deadline() { Read::End(End::Overdue) } else { Read::Broken };
            }
        };
        let mut chunk = vec![0; CHUNK];
        let mut is_cancelled = self.run.cancelled.is_cancelled();
        loop {
            let read = tokio::select! {
                read = log.read(&mut chunk) => read,
                () = sleep_until(progress.deadline()) => return Read::End(End::Overdue),
                () = self.run.cancelled.cancelled(), if !is_cancelled => {
                    is_cancelled = true;
                    removal.begin();
                    progress.hurry(GRACE);
                    continue;
                }
                () = sightings.changed() => {
                    // What is still in the log is worth a moment.
                    if self.has_ended(sightings) {
                        progress.hurry(LAST_WORDS);
                    }
                    continue;
                }
            };
            match read {
                Ok(0) => return Read::Closed,
                Err(error) => {
                    tracing::debug!(id = self.run.id, %error, "the log broke off");
                    return Read::Broken;
                }
                Ok(length) => match self.decoder.push(&chunk[..length]) {
                    Err(gap) => {
                        tracing::warn!(id = self.run.id, %gap);
                        return Read::End(End::Garbled);
                    }
                    Ok(bytes) => {
                        if let Some(end) = progress.take(&bytes) {
                            return Read::End(end);
                        }
                    }
                },
            }
        }
    }

    /// Whether the container has ended, so that its log is complete.
    fn has_ended(&self, sightings: &Subscription) -> bool {
        let seen = sightings.latest();
        let condition = seen.pod.as_deref().map(condition::of);
        seen.is_gone || matches!(condition, Some(Condition::Ended { .. } | Condition::Lost(_)))
    }

    /// What the cluster says last. A log ends a little before the Pod's state tells why.
    async fn last_condition(&self, sightings: &mut Subscription) -> Condition {
        let told = timeout(LAST_WORDS, async {
            while !self.has_ended(sightings) {
                sightings.changed().await;
            }
        });
        // Without it, the last that was seen has to do.
        let _ = told.await;
        match sightings.latest() {
            seen if seen.is_gone && !self.has_container_end(&seen.pod) => {
                Condition::Lost(condition::taken_away("the Pod is gone", false))
            }
            seen => condition::of(seen.pod.as_deref().unwrap_or(&self.pod)),
        }
    }

    fn has_container_end(&self, pod: &Option<Arc<Pod>>) -> bool {
        matches!(pod.as_deref().map(condition::of), Some(Condition::Ended { .. } | Condition::Lost(_)))
    }
}

/// How one reading of the log ended.
enum Read {
    /// The run is at its end.
    End(End),
    /// The log is at its end.
    Closed,
    /// The connection is at its end.
    Broken,
}
