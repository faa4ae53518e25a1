//! One run that somebody asked for, from its acceptance for as long as it is known.

use super::{answer::Answer, problem};
use axum::body::Bytes as Shared;
use cofferdam_core::{Observer, Phase, Stream, new_id};
use cofferdam_http_api::{Bytes, Event, State};
use cofferdam_types::Error;
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::panicking,
    time::Instant,
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// Live events that are kept for a reader who is slow: beyond that the oldest are gone for it. A piece of output is as
/// large as what the runner reads at once, 64 KiB or so.
const LIVE_EVENTS: usize = 64;

/// Where what happens in a run is heard of.
pub(super) type Feed = broadcast::Receiver<Arc<Event>>;

/// How far a run is.
#[derive(Debug, Clone)]
enum Stage {
    Queued,
    Starting,
    Running,
    Over(Answer),
}

/// A run.
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) requested: Instant,
    pub(super) cancelled: CancellationToken,
    stage: watch::Sender<Stage>,
    /// None once it is over: it holds the room for all events that may wait.
    live: Mutex<Option<broadcast::WeakSender<Arc<Event>>>>,
    /// Callers that wait for it.
    callers: AtomicUsize,
    /// Whether it goes on without them.
    is_detached: AtomicBool,
}

impl Execution {
    /// One that is accepted now, and what tells of it.
    pub(super) fn new(requested: Instant) -> (Arc<Self>, Telling) {
        let live = broadcast::Sender::new(LIVE_EVENTS);
        let execution = Arc::new(Self {
            id: new_id(),
            requested,
            cancelled: CancellationToken::new(),
            stage: watch::Sender::new(Stage::Queued),
            live: Mutex::new(Some(live.downgrade())),
            callers: AtomicUsize::new(0),
            is_detached: AtomicBool::new(false),
        });
        let telling = Telling { execution: execution.clone(), live };
        (execution, telling)
    }

    /// Counts one more caller who waits. The run is cancelled when the last of them is gone, unless one of them has asked
    /// that it go on.
    pub(super) fn attach(self: &Arc<Self>, detached: bool) -> Caller {
        self.callers.fetch_add(1, Ordering::AcqRel);
        if detached {
            self.is_detached.store(true, Ordering::Release);
        }
        Caller(self.clone())
    }

    /// What happens from now on; none where nothing does any more.
    pub(super) fn feed(&self) -> Option<Feed> {
        self.live().as_ref()?.upgrade().map(|live| live.subscribe())
    }

    fn live(&self) -> MutexGuard<'_, Option<broadcast::WeakSender<Arc<Event>>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end.
    pub(super) async fn answer(&self) -> Answer {
        let mut stage = self.stage.subscribe();
        loop {
            if let Stage::Over(answer) = &*stage.borrow_and_update() {
                return answer.clone();
            }
            // The sender is ours, so there is one.
            let _ = stage.changed().await;
        }
    }

    /// As the API has it, in JSON: a [`cofferdam_http_api::Execution`], of which the outcome is shared.
    pub(super) fn to_json(&self) -> Vec<Shared> {
        let stage = self.stage.borrow().clone();
        let state = match stage {
            Stage::Queued => State::Queued,
            Stage::Starting => State::Starting,
            Stage::Running => State::Running,
            Stage::Over(Answer::Failed(problem)) => State::Failed { problem: (*problem).clone() },
            Stage::Over(Answer::Ended(outcome)) => {
                // An id has nothing that JSON would have to escape.
                let begin = format!(r#"{{"id":"{}","state":"ended","outcome":"#, self.id);
                return vec![begin.into(), outcome, Shared::from_static(b"}")];
            }
        };
        let execution = cofferdam_http_api::Execution { id: self.id.clone(), state };
        vec![serde_json::to_vec(&execution).unwrap_or_default().into()]
    }
}

/// A caller who waits for a run, until this is dropped.
pub(super) struct Caller(Arc<Execution>);

impl Caller {
    pub(super) fn execution(&self) -> &Arc<Execution> {
        &self.0
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let was_last = self.0.callers.fetch_sub(1, Ordering::AcqRel) == 1;
        if was_last && !self.0.is_detached.load(Ordering::Acquire) {
            self.0.cancelled.cancel();
        }
    }
}

/// Hears of the run and tells all who follow it. Those who are slow miss something; the run never waits for them.
pub(super) struct Telling {
    execution: Arc<Execution>,
    live: broadcast::Sender<Arc<Event>>,
}

impl Telling {
    /// The run is over; nothing more is told.
    pub(super) fn end(self, answer: Answer) {
        self.execution.stage.send_replace(Stage::Over(answer));
    }

    fn is_over(&self) -> bool {
        matches!(*self.execution.stage.borrow(), Stage::Over(_))
    }

    fn tell(&self, event: impl FnOnce() -> Event) {
        // Nobody may be listening.
        if self.live.receiver_count() > 0 {
            let _ = self.live.send(Arc::new(event()));
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        *self.execution.live() = None;
        // Whatever became of the run's task, nobody waits for it in vain.
        if !self.is_over() {
            let id = self.execution.id.clone();
            let detail = if panicking() { "its task panicked" } else { "its task was dropped before it had ended" };
            tracing::warn!(id, detail, "the run was given up");
            let error = Error::internal("the run was given up for a fault of the sidecar", detail);
            let problem = problem::of_error(Error { id: Some(id), ..error });
            self.execution.stage.send_replace(Stage::Over(Answer::Failed(Arc::new(problem))));
        }
    }
}

impl Observer for Telling {
    fn entered(&self, phase: Phase) {
        use cofferdam_http_api::Phase as Told;
        let (stage, told) = match phase {
            Phase::Starting => (Some(Stage::Starting), Told::Queued),
            Phase::Scheduled => (None, Told::Scheduled),
            Phase::Running => (Some(Stage::Running), Told::Started),
            Phase::Cleaning => return,
        };
        if let Some(stage) = stage {
            self.execution.stage.send_replace(stage);
        }
        self.tell(|| Event::Reached(told));
    }

    fn wrote(&self, stream: Stream, bytes: &[u8]) {
        self.tell(|| match stream {
            Stream::Stdout => Event::Stdout(Bytes(bytes.to_vec())),
            Stream::Stderr => Event::Stderr(Bytes(bytes.to_vec())),
        });
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telling").field("id", &self.execution.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over() -> Answer {
        Answer::Failed(Arc::new(problem::of_error(Error::internal("no", "no"))))
    }

    /// What `GET` answers, parsed.
    fn json(execution: &Execution) -> cofferdam_http_api::Execution {
        serde_json::from_slice(&execution.to_json().concat()).expect("an execution")
    }

    #[test]
    fn all_readers_of_an_outcome_share_its_bytes() {
        let (execution, telling) = Execution::new(Instant::now());
        let outcome = cofferdam_http_api::Outcome {
            id: execution.id.clone(),
            status: cofferdam_http_api::Status::Exited(0),
            exit_code: Some(0),
            stdout: cofferdam_http_api::Output { content: Bytes(b"a\"b".to_vec()), length: 3, cut: None },
            stderr: cofferdam_http_api::Output::default(),
            files: vec![],
            skipped: vec![],
            timings_ms: cofferdam_http_api::Timings::default(),
            warm: false,
        };
        assert_eq!(json(&execution).state, State::Queued);
        let bytes = Shared::from(serde_json::to_vec(&outcome).expect("JSON"));
        telling.end(Answer::Ended(bytes.clone()));
        let read = execution.to_json();
        assert!(read.iter().any(|part| part.as_ptr() == bytes.as_ptr() && part.len() == bytes.len()));
        assert_eq!(json(&execution).state, State::Ended { outcome });
    }

    #[test]
    fn the_last_caller_who_hangs_up_cancels() {
        let (execution, _telling) = Execution::new(Instant::now());
        let (one, other) = (execution.attach(false), execution.attach(false));
        drop(one);
        assert!(!execution.cancelled.is_cancelled());
        drop(other);
        assert!(execution.cancelled.is_cancelled());
    }

    #[test]
    fn a_detached_run_goes_on() {
        let (execution, _telling) = Execution::new(Instant::now());
        let (one, other) = (execution.attach(true), execution.attach(false));
        drop((one, other));
        assert!(!execution.cancelled.is_cancelled());
    }

    #[tokio::test]
    async fn a_run_whose_task_is_dropped_is_answered_with_its_id() {
        let (execution, telling) = Execution::new(Instant::now());
        drop(telling);
        let problem = execution.answer().await.outcome().expect_err("a problem");
        assert_eq!((problem.code, problem.id.as_ref()), (cofferdam_http_api::ErrorCode::Internal, Some(&execution.id)));
    }

    #[tokio::test]
    async fn what_happens_is_told_in_order_and_then_ends() {
        let (execution, telling) = Execution::new(Instant::now());
        let mut feed = execution.feed().expect("a feed");
        telling.entered(Phase::Starting);
        telling.wrote(Stream::Stderr, b"e");
        telling.end(over());
        assert_eq!(*feed.recv().await.expect("an event"), Event::Reached(cofferdam_http_api::Phase::Queued));
        assert_eq!(*feed.recv().await.expect("an event"), Event::Stderr(Bytes(b"e".to_vec())));
        assert!(matches!(feed.recv().await, Err(broadcast::error::RecvError::Closed)));
        assert!(execution.answer().await.outcome().is_err());
        assert!(execution.feed().is_none());
        assert!(matches!(json(&execution).state, State::Failed { .. }));
    }

    #[tokio::test]
    async fn a_run_whose_task_died_has_an_answer() {
        let (execution, telling) = Execution::new(Instant::now());
        drop(telling);
        assert!(execution.answer().await.outcome().is_err());
    }

    #[tokio::test]
    async fn a_slow_reader_misses_the_oldest() {
        let (execution, telling) = Execution::new(Instant::now());
        let mut feed = execution.feed().expect("a feed");
        for _ in 0..LIVE_EVENTS + 3 {
            telling.wrote(Stream::Stdout, b"x");
        }
        assert!(matches!(feed.recv().await, Err(broadcast::error::RecvError::Lagged(3))));
    }
}
