//! A run that a guest follows: what happens in it waits here until the guest asks.

use super::{
    bindings::{cofferdam::code_executor::types, stream::cofferdam::code_executor::sandbox_stream::Event},
    convert,
    supplier::Supplier,
};
use cofferdam_core::{Observer, Phase, Stream};
use cofferdam_types::{Error, Report, Request};
use std::sync::Arc;
use tokio::{
    sync::broadcast::{Receiver, Sender, channel, error::RecvError},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Events that wait for a guest: beyond that the oldest are gone. A piece of output is as large as what the runner reads at
/// once, 64 KiB or so.
const EVENTS: usize = 64;

/// A run between two of its events. Dropping it cancels the run, which goes on to its end to clean up.
#[derive(Debug)]
pub(super) struct Following {
    id: String,
    events: Receiver<Event>,
    task: JoinHandle<Result<Report, Error>>,
    cancelled: DropGuard,
}

impl Following {
    /// Starts a run; gives its id too.
    pub(super) async fn start(
        supplier: &Supplier,
        request: Request,
        cancelled: CancellationToken,
        observer: Arc<dyn Observer>,
    ) -> Result<(String, Self), Error> {
        let (sender, events) = channel(EVENTS);
        let (id, task) = supplier.start(request, cancelled.clone(), Telling { sender, observer }).await?;
        Ok((id.clone(), Self { id, events, task, cancelled: cancelled.drop_guard() }))
    }

    /// Waits for the next event. After an error, or the report of the end, there is none.
    pub(super) async fn next(&mut self) -> Result<Event, Error> {
        loop {
            match self.events.recv().await {
                Ok(event) => return Ok(event),
                Err(RecvError::Lagged(_)) => {}
                // The run's task is over, and what it told of the run with it.
                Err(RecvError::Closed) => break,
            }
        }
        let ended = (&mut self.task).await.map_err(|error| {
            tracing::warn!(id = self.id, %error, "the task of the run ended without a result");
            Error {
                id: Some(self.id.clone()),
                ..Error::internal("the run was given up for a fault of the host", error)
            }
        });
        let report = ended??;
        Ok(Event::Ended(convert::report(report)))
    }

    /// Ends the run.
    pub(super) fn cancel(&self) {
        self.cancelled.token().cancel();
    }
}

/// Hears of the run for the guest and for its host. It waits for nobody.
#[derive(Debug)]
struct Telling {
    sender: Sender<Event>,
    observer: Arc<dyn Observer>,
}

impl Telling {
    fn tell(&self, event: Event) {
        // The guest may be gone.
        let _ = self.sender.send(event);
    }
}

impl Observer for Telling {
    fn entered(&self, phase: Phase) {
        self.observer.entered(phase);
        match phase {
            Phase::Scheduled => self.tell(Event::Reached(types::Phase::Scheduled)),
            Phase::Running => self.tell(Event::Reached(types::Phase::Started)),
            // Nobody has had to wait for a turn.
            Phase::Starting | Phase::Cleaning => {}
        }
    }

    fn wrote(&self, stream: Stream, bytes: &[u8]) {
        self.observer.wrote(stream, bytes);
        self.tell(match stream {
            Stream::Stdout => Event::Stdout(bytes.to_vec()),
            Stream::Stderr => Event::Stderr(bytes.to_vec()),
        });
    }
}
