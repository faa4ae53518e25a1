//! A streamed execution: its events are buffered until the guest reads them.

use super::{
    bindings::{cofferdam::code_executor::types, stream::cofferdam::code_executor::sandbox_stream::Event},
    convert,
    hooks::SandboxHooks,
    target::Target,
};
use cofferdam_core::{Observer, Phase, Stream};
use cofferdam_types::{Error, Report, Request};
use std::sync::Arc;
use tokio::{
    sync::broadcast::{Receiver, Sender, channel, error::RecvError},
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Events that are buffered for a guest; if there are more, the oldest are dropped. An event of output has at
/// most as many bytes as the runner reads at once, about 64 KiB.
const MAX_BUFFERED_EVENTS: usize = 64;

/// A streamed execution. Dropping it cancels the execution; its sandbox is deleted in the background.
#[derive(Debug)]
pub(super) struct StreamedExecution {
    id: String,
    events: Receiver<Event>,
    task: JoinHandle<Result<Report, Error>>,
    cancelled: DropGuard,
}

impl StreamedExecution {
    /// Starts an execution.
    pub(super) async fn start(
        target: &Target,
        request: Request,
        cancelled: CancellationToken,
        observer: Arc<dyn Observer>,
        hooks: Arc<dyn SandboxHooks>,
    ) -> Result<Self, Error> {
        let (sender, events) = channel(MAX_BUFFERED_EVENTS);
        let started = target.start(request, cancelled.clone(), EventSender { sender, observer }).await;
        let (id, execution) = started.inspect_err(|error| hooks.on_finished(&Err(error.clone())))?;
        // A task, so that the hooks receive the result even if the guest does not read it.
        let task = tokio::spawn({
            let id = id.clone();
            async move {
                let result = execution.await.unwrap_or_else(|error| Err(aborted(&id, error)));
                hooks.on_finished(&result);
                result
            }
        });
        Ok(Self { id, events, task, cancelled: cancelled.drop_guard() })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the next event. An error, and the event with the report, are the last.
    pub(super) async fn next(&mut self) -> Result<Event, Error> {
        loop {
            match self.events.recv().await {
                Ok(event) => return Ok(event),
                Err(RecvError::Lagged(_)) => {}
                // The execution has ended, and its observer is dropped.
                Err(RecvError::Closed) => break,
            }
        }
        let result = (&mut self.task).await.unwrap_or_else(|error| Err(aborted(&self.id, error)));
        Ok(Event::Ended(convert::report(result?)))
    }

    /// Cancels the execution.
    pub(super) fn cancel(&self) {
        self.cancelled.token().cancel();
    }
}

fn aborted(id: &str, error: JoinError) -> Error {
    tracing::warn!(id, %error, "the task of the execution ended without a result");
    Error {
        id: Some(id.to_owned()),
        ..Error::internal("the execution was aborted by an internal error of the host", error)
    }
}

/// Sends the events of an execution to the guest and to the host's observer, without waiting for a reader.
#[derive(Debug)]
struct EventSender {
    sender: Sender<Event>,
    observer: Arc<dyn Observer>,
}

impl EventSender {
    fn send(&self, event: Event) {
        // It fails if the guest is gone.
        let _ = self.sender.send(event);
    }
}

impl Observer for EventSender {
    fn on_phase(&self, phase: Phase) {
        self.observer.on_phase(phase);
        match phase {
            Phase::Scheduled => self.send(Event::Reached(types::Phase::Scheduled)),
            Phase::Running => self.send(Event::Reached(types::Phase::Started)),
            // No phase of the contract ends here.
            _ => {}
        }
    }

    fn on_output(&self, stream: Stream, bytes: &[u8]) {
        self.observer.on_output(stream, bytes);
        self.send(match stream {
            Stream::Stdout => Event::Stdout(bytes.to_vec()),
            Stream::Stderr => Event::Stderr(bytes.to_vec()),
        });
    }
}
