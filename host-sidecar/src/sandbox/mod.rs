//! Where sandboxes come from.

mod collector;
mod id;
pub mod kubernetes;
pub mod local;
mod progress;

pub(crate) use id::{id_in, is_id, new_id};

use crate::{
    execution::{Error, Report},
    policy::Plan,
};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Carries out plans, each in a sandbox of its own.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Runs the plan's program, at most once, and leaves nothing of it.
    fn run<'a>(&'a self, plan: Plan, run: &'a Run<'a>) -> RunFuture<'a>;

    /// Waits until what runs have left to be removed beside their answers is gone.
    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {})
    }
}

/// What [`Backend::settle`] gives.
pub type SettleFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What [`Backend::run`] gives.
pub type RunFuture<'a> = Pin<Box<dyn Future<Output = Result<Report, Error>> + Send + 'a>>;

/// One run, as a backend sees it.
#[derive(Debug)]
pub struct Run<'a> {
    /// A DNS label that no other run has.
    pub id: String,
    /// When the request came.
    pub requested: Instant,
    /// Set when the caller gives up.
    pub cancelled: &'a CancellationToken,
    /// Hears of each phase that the run enters.
    pub observer: &'a dyn Observer,
}

impl Run<'_> {
    /// Time since the request.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.requested.elapsed()
    }
}

/// A phase that a run enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The sandbox is being built.
    Starting,
    /// The program runs.
    Running,
    /// The sandbox is being taken away.
    Cleaning,
}

/// Hears of a run while it happens. Called on the run's own task: it must not block.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The run enters a phase.
    fn entered(&self, phase: Phase);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn entered(&self, _: Phase) {}
}
