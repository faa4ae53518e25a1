//! Evicts idle sandboxes while an execution finds no capacity.

use crate::{ExecutionContext, Observer, Phase, Stream};
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

/// Between two evictions for one execution: time for a sandbox to be gone, and for the execution to use its
/// capacity.
const EVICTION_INTERVAL: Duration = Duration::from_secs(1);

/// Observes an execution for its own observer and for the pool.
#[derive(Debug)]
pub(crate) struct Preemption<'a> {
    observer: &'a dyn Observer,
    lacks_capacity: watch::Sender<bool>,
}

impl<'a> Preemption<'a> {
    pub(crate) fn new(context: &ExecutionContext<'a>) -> Self {
        Self { observer: context.observer, lacks_capacity: watch::Sender::new(false) }
    }

    /// Evicts one sandbox after another while the execution lacks capacity.
    pub(crate) async fn evict_with(&self, mut evict: impl FnMut()) -> Infallible {
        let mut lacks_capacity = self.lacks_capacity.subscribe();
        loop {
            // The sender lives as long as this.
            let _ = lacks_capacity.wait_for(|lacks_capacity| *lacks_capacity).await;
            evict();
            tokio::time::sleep(EVICTION_INTERVAL).await;
        }
    }
}

impl Observer for Preemption<'_> {
    fn on_phase(&self, phase: Phase) {
        if matches!(phase, Phase::Scheduled | Phase::Running | Phase::Cleaning) {
            self.lacks_capacity.send_replace(false);
        }
        self.observer.on_phase(phase);
    }

    fn on_insufficient_capacity(&self) {
        self.lacks_capacity.send_replace(true);
        self.observer.on_insufficient_capacity();
    }

    fn on_output(&self, stream: Stream, bytes: &[u8]) {
        self.observer.on_output(stream, bytes);
    }
}
