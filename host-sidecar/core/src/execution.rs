//! The context of an execution, and the observer of its events.

use cofferdam_protocol::Stream;
use std::{fmt, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What an execution carries through the pipeline, beside its specifications.
#[derive(Debug)]
pub struct ExecutionContext<'a> {
    /// Its id: a unique DNS label.
    pub id: String,
    /// When the request arrived.
    pub requested: Instant,
    /// Set when the caller cancels the execution.
    pub cancelled: &'a CancellationToken,
    /// Receives the events.
    pub observer: &'a dyn Observer,
}

impl ExecutionContext<'_> {
    /// Time since the request arrived.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.requested.elapsed()
    }
}

/// A phase of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The sandbox is being created.
    Starting,
    /// A node has been found for the sandbox, where there are nodes.
    Scheduled,
    /// The program is running.
    Running,
    /// The sandbox is being deleted.
    Cleaning,
}

/// Receives the events of an execution. It is called on the execution's own task: it must not block.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The execution has entered a phase.
    fn on_phase(&self, phase: Phase);

    /// The sandbox waits for capacity that other sandboxes use.
    fn on_insufficient_capacity(&self) {}

    /// The program wrote these bytes. They are those of the report, in order and without a gap, up to the
    /// output limit. Bytes beyond the limit are not reported.
    fn on_output(&self, stream: Stream, bytes: &[u8]);
}

/// Ignores all events.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn on_phase(&self, _: Phase) {}

    fn on_output(&self, _: Stream, _: &[u8]) {}
}
