//! A run that finds no room where what waits takes it up.

use crate::{Observer, Phase, Run, Stream};
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

/// Between two sandboxes that are given up for one run: time for the first to go, and for the run to take its place.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears of a run, for another observer and for the pool.
#[derive(Debug)]
pub(super) struct Crowding<'a> {
    observer: &'a dyn Observer,
    lacks_room: watch::Sender<bool>,
}

impl<'a> Crowding<'a> {
    pub(super) fn of(run: &Run<'a>) -> Self {
        Self { observer: run.observer, lacks_room: watch::Sender::new(false) }
    }

    /// Gives up what waits, one after another, whenever the run lacks room.
    pub(super) async fn relieve(&self, mut give_up: impl FnMut()) -> Infallible {
        let mut lacks_room = self.lacks_room.subscribe();
        loop {
            // The sender is there for as long as this is.
            let _ = lacks_room.wait_for(|lacks_room| *lacks_room).await;
            give_up();
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Observer for Crowding<'_> {
    fn entered(&self, phase: Phase) {
        if matches!(phase, Phase::Scheduled | Phase::Running | Phase::Cleaning) {
            self.lacks_room.send_replace(false);
        }
        self.observer.entered(phase);
    }

    fn lacks_room(&self) {
        self.lacks_room.send_replace(true);
        self.observer.lacks_room();
    }

    fn wrote(&self, stream: Stream, bytes: &[u8]) {
        self.observer.wrote(stream, bytes);
    }
}
