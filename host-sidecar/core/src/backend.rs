//! The interface of backends, which create sandboxes and execute plans in them.

use crate::{
    policy::{Plan, Profile},
    pool::PoolMetrics,
};
use cofferdam_protocol::Stream;
use cofferdam_types::{Error, Report};
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

    /// Asks whether runs can be made: what they need is there and answers.
    fn ready(&self) -> ReadyFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    /// Waits until a sandbox waits for programs like this plan's, where the backend starts any ahead.
    fn warm_up<'a>(&'a self, _plan: &'a Plan) -> ReadyFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    /// The figures of its pool, if it has one.
    fn pool_metrics(&self) -> Option<PoolMetrics> {
        None
    }

    /// Waits until what runs have left to be removed beside their answers is gone.
    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {})
    }
}

/// A backend whose sandboxes can be started before there are programs for them.
pub trait StartsAhead: Backend + 'static {
    /// A sandbox that waits for its program. It holds nothing of any caller's, and is removed when this is dropped.
    type Sandbox: fmt::Debug + Send + 'static;

    /// Starts one that waits no longer than `max_age`, unless `cancelled` is set before it is up.
    fn start_ahead(
        &self,
        profile: &Profile,
        max_age: Duration,
        cancelled: &CancellationToken,
    ) -> impl Future<Output = Result<Self::Sandbox, Error>> + Send;

    /// Whether it is still there, and waits.
    fn attends(&self, sandbox: &mut Self::Sandbox) -> impl Future<Output = bool> + Send;

    /// Runs the plan's program in it, which is of the profile that it was started for.
    fn run_in(
        &self,
        sandbox: Self::Sandbox,
        plan: Plan,
        run: &Run<'_>,
    ) -> impl Future<Output = Result<Report, Error>> + Send;

    /// Begins to remove one that got no program; [`Backend::settle`] waits for the end.
    fn remove(&self, sandbox: Self::Sandbox);
}

/// What [`Backend::ready`] and [`Backend::warm_up`] give.
pub type ReadyFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

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
    /// Hears of the run while it happens.
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
    /// A node has been found for it, where there are nodes.
    Scheduled,
    /// The program runs.
    Running,
    /// The sandbox is being taken away.
    Cleaning,
}

/// Hears of a run while it happens. Called on the run's own task: it must not block.
pub trait Observer: fmt::Debug + Send + Sync {
    /// The run enters a phase.
    fn entered(&self, phase: Phase);

    /// What else runs there takes up the room that its sandbox needs; it waits for some.
    fn lacks_room(&self) {}

    /// The program wrote these bytes. They are those of the report, in order and without a gap, up to the bound of its
    /// output; what comes after that is not told of.
    fn wrote(&self, stream: Stream, bytes: &[u8]);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn entered(&self, _: Phase) {}

    fn wrote(&self, _: Stream, _: &[u8]) {}
}
