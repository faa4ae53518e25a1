//! From the start of a run's container to the runner's last word.

use super::{
    cluster::{Cluster, RequestError, bounded},
    condition::{self, Condition},
    inquiry,
    joining::Joined,
    manifest::CONTAINER,
    pod_watch::Sighting,
    refusal,
    removal::Removal,
    subscribers::Subscription,
};
use cofferdam_core::{
    Run,
    progress::{End, Progress},
};
use cofferdam_protocol::LogDecoder;
use cofferdam_types::Error;
use futures_util::{AsyncRead, AsyncReadExt};
use kube::api::LogParams;
use std::{io, pin::Pin, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Between two attempts to read the log, at first and at the most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long the log may be silent, and the Pod's last state be late, once the Pod is known to have ended.
const LAST_WORDS: Duration = Duration::from_secs(4);
/// How long an attached output is followed without a watch on the Pod, and how long it may be silent. A stalled connection looks
/// like a silent program, while it keeps the container's output from the log too, or the node discards the log's beginning.
const UNSEEN: Duration = Duration::from_secs(2);
const CHUNK: usize = 128 << 10;

/// Reads what a container writes to its end.
pub(super) struct Follow<'a> {
    cluster: &'a Cluster,
    run: &'a Run<'a>,
    /// By which the sandbox's objects are known.
    id: &'a str,
    pod: String,
    decoder: LogDecoder,
    joined: Option<Joined>,
}

/// Where it is read from.
enum Source {
    Joined(Joined),
    Log(Pin<Box<dyn AsyncRead + Send>>),
}

impl Source {
    async fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Joined(joined) => joined.read(chunk).await,
            Self::Log(log) => log.read(chunk).await,
        }
    }
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

impl<'a> Follow<'a> {
    /// Of a Pod whose container has started; `joins` where its log cannot be had yet.
    pub(super) async fn new(cluster: &'a Cluster, run: &'a Run<'a>, pod: String, joins: bool) -> Self {
        let mut follow = Self { cluster, run, id: &run.id, pod, decoder: LogDecoder::default(), joined: None };
        if joins {
            match Joined::with_beginning(&cluster.pods, &follow.pod).await {
                Ok(joined) => {
                    follow.joined = Some(joined);
                    follow.decoder.expect_replay();
                }
                Err(error) => tracing::debug!(id = run.id, %error, "the container's output cannot be joined"),
            }
        }
        follow
    }

    /// Of a Pod that had been started before there was a program, and has it now.
    pub(super) fn of_waiting(
        cluster: &'a Cluster,
        run: &'a Run<'a>,
        (id, pod): (&'a str, String),
        (joined, decoder): (Joined, LogDecoder),
    ) -> Self {
        Self { cluster, run, id, pod, decoder, joined: Some(joined) }
    }

    /// Follows to the end, which the progress learns of.
    pub(super) async fn until_end(
        mut self,
        sightings: &mut Subscription<Sighting>,
        progress: &mut Progress<'_>,
        removal: &mut Removal,
    ) -> Ended {
        let mut pause = BACKOFF.0;
        let mut unheard = None;
        let end = loop {
            // What is read of the log from here on is all there is.
            let is_last = self.joined.is_none() && has_ended(sightings);
            let mut read = self.read(sightings, progress, removal).await;
            if !matches!(read, Read::End(_)) && !progress.is_cancelled() && Instant::now() >= progress.deadline() {
                read = Read::End(End::Overdue);
            }
            match read {
                Read::End(End::Overdue) => {
                    // The runner would have ended the program in time. If it has, it is only the way to it that is silent.
                    unheard = self.ask(sightings).await;
                    break if has_ended(sightings) || unheard.is_some() { End::Vanished } else { End::Overdue };
                }
                Read::End(end) => break end,
                Read::Closed | Read::Silent if is_last => break End::Vanished,
                Read::Silent => {}
                Read::Closed | Read::Broken => {
                    if progress.is_cancelled() {
                        break End::Vanished;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF.1);
                    if !has_ended(sightings) {
                        // The watch may have missed that it ended; without that, the log is read again for nothing.
                        let _ = self.ask(sightings).await;
                    }
                }
            }
            if sightings.latest().is_gone {
                break End::Vanished;
            }
            self.decoder.restart();
        };
        self.conclude(end, unheard, sightings, progress).await
    }

    /// What the cluster knows of an end of which the runner has not told.
    async fn conclude(
        self,
        end: End,
        unheard: Option<Error>,
        sightings: &mut Subscription<Sighting>,
        progress: &Progress<'_>,
    ) -> Ended {
        let (mut out_of_memory, mut lost, mut detail) = (false, unheard, self.decoder.foreign_lines());
        let has_told = progress.ended() && !progress.was_taken_away();
        if !has_told && !matches!(end, End::Failed(_) | End::Overdue) {
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
        Ended { end, out_of_memory, lost: lost.filter(|_| !has_told), detail }
    }

    /// Opens what is read next: the joined output once, after that the log.
    async fn open(&mut self) -> Result<Source, RequestError> {
        if let Some(joined) = self.joined.take() {
            return Ok(Source::Joined(joined));
        }
        self.cluster.pod_watch.begin();
        let params = LogParams { container: Some(CONTAINER.into()), follow: true, ..LogParams::default() };
        Ok(Source::Log(Box::pin(bounded(self.cluster.pods.log_stream(&self.pod, &params)).await?)))
    }

    /// Reads once, as far as it goes.
    async fn read(
        &mut self,
        sightings: &mut Subscription<Sighting>,
        progress: &mut Progress<'_>,
        removal: &mut Removal,
    ) -> Read {
        let mut source = match self.open().await {
            Ok(source) => source,
            Err(error) => {
                tracing::debug!(id = self.run.id, %error, "the log cannot be read");
                return Read::Broken;
            }
        };
        let is_joined = matches!(source, Source::Joined(_));
        let mut is_unseen = is_joined;
        let mut chunk = vec![0; CHUNK];
        let mut is_told = false;
        let mut heard = Instant::now();
        let watched_from = heard + UNSEEN;
        loop {
            let may_be_stalled = is_joined && progress.runner_has_program();
            let patience = if may_be_stalled { Some(UNSEEN) } else { has_ended(sightings).then_some(LAST_WORDS) };
            let read = tokio::select! {
                read = source.read(&mut chunk) => read,
                () = sleep_until(progress.deadline()) => return Read::End(End::Overdue),
                // A connection may be silent where the log is not.
                () = sleep_until(heard + patience.unwrap_or_default()), if patience.is_some() => return Read::Silent,
                () = self.run.cancelled.cancelled(), if !is_told => {
                    is_told = true;
                    removal.begin();
                    progress.hurry();
                    continue;
                }
                () = sightings.changed() => {
                    heard = Instant::now();
                    continue;
                }
                () = sleep_until(watched_from), if is_unseen => {
                    is_unseen = false;
                    self.cluster.pod_watch.begin();
                    // Had it been joined in time, it would have begun by now.
                    if self.decoder.awaits_replay() {
                        return Read::Broken;
                    }
                    continue;
                }
            };
            heard = Instant::now();
            match read {
                // The log may have more than was seen of an output.
                Ok(0) => return if is_joined { Read::Broken } else { Read::Closed },
                Err(error) => {
                    tracing::debug!(id = self.run.id, %error, "the log broke off");
                    return Read::Broken;
                }
                Ok(length) => match self.decoder.push(&chunk[..length]) {
                    Err(_) if is_joined => return Read::Broken,
                    Err(gap) => return Read::End(End::Incomplete(gap.to_string())),
                    Ok(bytes) => {
                        if let Some(end) = progress.take(&bytes) {
                            return Read::End(end);
                        }
                    }
                },
            }
        }
    }

    /// Asks for the Pod instead of watching it; gives why that cannot be.
    async fn ask(&self, sightings: &Subscription<Sighting>) -> Option<Error> {
        match inquiry::pod(self.cluster, self.id).await {
            Ok(pod) => {
                sightings.correct(pod, true);
                None
            }
            Err(error) => Some(refusal::of_request("look for the Pod", &error, true)),
        }
    }

    /// What the cluster says last. A log ends a little before the Pod's state tells why.
    async fn last_condition(&self, sightings: &mut Subscription<Sighting>) -> Condition {
        self.cluster.pod_watch.begin();
        if sightings.latest().pod.is_none() {
            // It may be gone before it was ever seen.
            let _ = self.ask(sightings).await;
        }
        let told = timeout(LAST_WORDS, async {
            while !has_ended(sightings) {
                sightings.changed().await;
            }
        });
        // Without it, the last that was seen has to do.
        let _ = told.await;
        let seen = sightings.latest();
        match seen.pod.as_deref().map_or(Condition::Running, condition::of) {
            Condition::Pending { .. } | Condition::Unschedulable(_) | Condition::Running if seen.is_gone => {
                Condition::Lost(condition::taken_away("the Pod is gone", false))
            }
            condition => condition,
        }
    }
}

/// Whether the container has ended, or its Pod is being taken away.
fn has_ended(sightings: &Subscription<Sighting>) -> bool {
    let seen = sightings.latest();
    let condition = seen.pod.as_deref().map(condition::of);
    seen.is_gone || matches!(condition, Some(Condition::Ended { .. } | Condition::Lost(_)))
}

/// How one reading of the log ended.
enum Read {
    /// The run is at its end.
    End(End),
    /// The log is at its end.
    Closed,
    /// The connection is open, and nothing comes over it.
    Silent,
    /// The connection is at its end.
    Broken,
}
