//! One execution, from its acceptance until it is removed.

use super::result::ExecutionResult;
use crate::api_error::to_problem;
use axum::body::Bytes as SharedBytes;
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

/// Events that wait for a slow reader. Beyond that it misses the oldest. An event of output has about 64 KiB
/// at most, which is what the runner reads at once.
const MAX_PENDING_EVENTS: usize = 64;

/// Receives the events of an execution.
pub(crate) type EventReceiver = broadcast::Receiver<Arc<Event>>;

#[derive(Debug, Clone)]
enum Stage {
    Queued,
    Starting,
    Running,
    Ended(ExecutionResult),
}

/// An execution.
pub(crate) struct Execution {
    pub(crate) id: String,
    pub(super) requested: Instant,
    pub(crate) cancelled: CancellationToken,
    stage: watch::Sender<Stage>,
    /// `None` at the end of the execution, which frees the buffer of events.
    events: Mutex<Option<broadcast::WeakSender<Arc<Event>>>>,
    /// The number of callers that wait for it.
    waiters: AtomicUsize,
    /// Whether it continues when they have disconnected.
    is_detached: AtomicBool,
}

impl Execution {
    /// An execution that is queued, and the publisher of its events.
    pub(super) fn new(requested: Instant) -> (Arc<Self>, Publisher) {
        let events = broadcast::Sender::new(MAX_PENDING_EVENTS);
        let execution = Arc::new(Self {
            id: new_id(),
            requested,
            cancelled: CancellationToken::new(),
            stage: watch::Sender::new(Stage::Queued),
            events: Mutex::new(Some(events.downgrade())),
            waiters: AtomicUsize::new(0),
            is_detached: AtomicBool::new(false),
        });
        let publisher = Publisher { execution: execution.clone(), events };
        (execution, publisher)
    }

    /// Adds a waiter. When the last waiter is dropped, the execution is cancelled, unless one of them is
    /// detached.
    pub(super) fn attach(self: &Arc<Self>, detached: bool) -> Waiter {
        self.waiters.fetch_add(1, Ordering::AcqRel);
        if detached {
            self.is_detached.store(true, Ordering::Release);
        }
        Waiter(self.clone())
    }

    /// Subscribes to the events from now on; `None` if the execution has ended.
    pub(crate) fn subscribe(&self) -> Option<EventReceiver> {
        self.events().as_ref()?.upgrade().map(|events| events.subscribe())
    }

    fn events(&self) -> MutexGuard<'_, Option<broadcast::WeakSender<Arc<Event>>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the result.
    pub(crate) async fn wait(&self) -> ExecutionResult {
        let mut stage = self.stage.subscribe();
        loop {
            if let Stage::Ended(result) = &*stage.borrow_and_update() {
                return result.clone();
            }
            // This cannot fail: the sender is in `self`.
            let _ = stage.changed().await;
        }
    }

    /// A [`cofferdam_http_api::Execution`] in JSON, in parts. The outcome is shared, not copied.
    pub(crate) fn to_json(&self) -> Vec<SharedBytes> {
        let stage = self.stage.borrow().clone();
        let state = match stage {
            Stage::Queued => State::Queued,
            Stage::Starting => State::Starting,
            Stage::Running => State::Running,
            Stage::Ended(ExecutionResult::Problem(problem)) => State::Failed { problem: (*problem).clone() },
            Stage::Ended(ExecutionResult::Outcome(outcome)) => {
                // An id has no character that JSON escapes.
                let head = format!(r#"{{"id":"{}","state":"ended","outcome":"#, self.id);
                return vec![head.into(), outcome, SharedBytes::from_static(b"}")];
            }
        };
        let execution = cofferdam_http_api::Execution { id: self.id.clone(), state };
        vec![serde_json::to_vec(&execution).unwrap_or_default().into()]
    }
}

/// A caller that waits for an execution, until this is dropped.
pub(crate) struct Waiter(Arc<Execution>);

impl Waiter {
    pub(crate) fn execution(&self) -> &Arc<Execution> {
        &self.0
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let was_last = self.0.waiters.fetch_sub(1, Ordering::AcqRel) == 1;
        if was_last && !self.0.is_detached.load(Ordering::Acquire) {
            self.0.cancelled.cancel();
        }
    }
}

/// Publishes the events of an execution to its receivers. It never waits for them: a slow one misses events.
pub(super) struct Publisher {
    execution: Arc<Execution>,
    events: broadcast::Sender<Arc<Event>>,
}

impl Publisher {
    /// Ends the execution.
    pub(super) fn end(self, result: ExecutionResult) {
        self.execution.stage.send_replace(Stage::Ended(result));
    }

    fn has_ended(&self) -> bool {
        matches!(*self.execution.stage.borrow(), Stage::Ended(_))
    }

    fn publish(&self, event: impl FnOnce() -> Event) {
        if self.events.receiver_count() > 0 {
            let _ = self.events.send(Arc::new(event()));
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        *self.execution.events() = None;
        // Waiters need a result even if the execution's task was lost.
        if !self.has_ended() {
            let id = self.execution.id.clone();
            let detail =
                if panicking() { "its task panicked" } else { "its task was dropped before it ended" };
            tracing::warn!(id, detail, "the execution was aborted");
            let error = Error::internal("the execution was aborted by an internal error", detail);
            let problem = to_problem(Error { id: Some(id), ..error });
            self.execution.stage.send_replace(Stage::Ended(ExecutionResult::Problem(Arc::new(problem))));
        }
    }
}

impl Observer for Publisher {
    fn on_phase(&self, phase: Phase) {
        use cofferdam_http_api::Phase as ApiPhase;
        let (stage, phase) = match phase {
            Phase::Starting => (Some(Stage::Starting), ApiPhase::Queued),
            Phase::Scheduled => (None, ApiPhase::Scheduled),
            Phase::Running => (Some(Stage::Running), ApiPhase::Started),
            _ => return,
        };
        if let Some(stage) = stage {
            self.execution.stage.send_replace(stage);
        }
        self.publish(|| Event::Reached(phase));
    }

    fn on_output(&self, stream: Stream, bytes: &[u8]) {
        self.publish(|| match stream {
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

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("id", &self.execution.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
