//! Sandboxes that are started before there are programs for them. Each is used once, as any other is.

mod config;
mod crowding;
mod keeper;
mod metrics;
mod shelf;

pub use config::{PoolConfig, default_concurrency};
pub use metrics::{Histogram, PoolMetrics, PoolSnapshot};

use super::{Backend, ReadyFuture, Run, RunFuture, SettleFuture, StartsAhead};
use crate::policy::{Plan, Profile};
use cofferdam_types::{Error, ErrorCode, Report};
use crowding::Crowding;
use keeper::Keeper;
use shelf::Shelf;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A backend, and before it what waits for programs.
pub struct Pool<B: StartsAhead> {
    shared: Arc<Shared<B>>,
    /// The keeper needs a runtime, which there is with the first run.
    kept: Once,
}

/// What the pool and its keeper both use.
struct Shared<B: StartsAhead> {
    backend: B,
    shelf: Mutex<Shelf<B::Sandbox>>,
    /// Told of each change of the shelf.
    changed: watch::Sender<()>,
    /// What is being started.
    starts: TaskTracker,
    /// Set when nothing is wanted any more.
    closing: CancellationToken,
    metrics: PoolMetrics,
    /// No sandbox waits longer than this.
    max_age: Duration,
}

impl<B: StartsAhead> Shared<B> {
    fn shelf(&self) -> MutexGuard<'_, Shelf<B::Sandbox>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits until one of this profile is there.
struct Awaited<'a, B: StartsAhead> {
    shared: &'a Shared<B>,
    profile: &'a Profile,
}

impl<'a, B: StartsAhead> Awaited<'a, B> {
    fn new(shared: &'a Shared<B>, profile: &'a Profile) -> Self {
        shared.shelf().wait_for(profile, Instant::now());
        Self { shared, profile }
    }
}

impl<B: StartsAhead> Drop for Awaited<'_, B> {
    fn drop(&mut self) {
        self.shared.shelf().waited_for(self.profile, Instant::now());
    }
}

impl<B: StartsAhead> Pool<B> {
    /// Before this backend. Some sandboxes of the profile `usual` may be wanted though nobody has used it yet.
    #[must_use]
    pub fn new(backend: B, bounds: &PoolConfig, usual: Profile) -> Self {
        let shared = Shared {
            backend,
            shelf: Mutex::new(Shelf::new(bounds.clone(), usual, Instant::now())),
            changed: watch::Sender::new(()),
            starts: TaskTracker::new(),
            closing: CancellationToken::new(),
            metrics: PoolMetrics::default(),
            max_age: bounds.max_age_seconds.0,
        };
        Self { shared: Arc::new(shared), kept: Once::new() }
    }

    fn keep(&self) {
        self.kept.call_once(|| Keeper::start(&self.shared));
    }

    async fn warm_up(&self, plan: &Plan) -> Result<(), Error> {
        self.keep();
        let profile = Profile::of(plan);
        let mut changes = self.shared.changed.subscribe();
        let _awaited = Awaited::new(&self.shared, &profile);
        self.shared.changed.send_replace(());
        loop {
            match self.shared.shelf().has(&profile) {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => {
                    let text = "no sandbox can be started ahead for this; the operator's log says why";
                    return Err(Error::new(ErrorCode::SandboxUnavailable, text).retryable());
                }
            }
            // The sender is there for as long as this is.
            let _ = changes.changed().await;
        }
    }

    async fn run(&self, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        self.keep();
        let profile = Profile::of(&plan);
        loop {
            let taken = self.shared.shelf().take(&profile, Instant::now());
            self.shared.changed.send_replace(());
            let Some((mut sandbox, age)) = taken else { break };
            if self.shared.backend.attends(&mut sandbox).await {
                self.shared.metrics.hit(age);
                tracing::debug!(id = run.id, ?sandbox, "a sandbox was waiting");
                return self.shared.backend.run_in(sandbox, plan, run).await;
            }
            self.shared.metrics.unusable();
            self.shared.backend.remove(sandbox);
        }
        self.shared.metrics.miss();
        self.run_cold(plan, run).await
    }

    /// Runs it in a sandbox that is started for it. What waits gives way to it.
    async fn run_cold(&self, plan: Plan, run: &Run<'_>) -> Result<Report, Error> {
        let crowding = Crowding::of(run);
        let run = Run { id: run.id.clone(), observer: &crowding, ..*run };
        let give_up = || {
            let given_up = self.shared.shelf().make_room(Instant::now());
            self.shared.changed.send_replace(());
            if let Some(sandbox) = given_up {
                tracing::debug!(id = run.id, ?sandbox, "what waited makes room");
                self.shared.backend.remove(sandbox);
            }
        };
        tokio::select! {
            result = self.shared.backend.run(plan, &run) => result,
            never = crowding.relieve(give_up) => match never {},
        }
    }
}

impl<B: StartsAhead> Backend for Pool<B> {
    fn run<'a>(&'a self, plan: Plan, run: &'a Run<'a>) -> RunFuture<'a> {
        Box::pin(self.run(plan, run))
    }

    fn ready(&self) -> ReadyFuture<'_> {
        self.keep();
        self.shared.backend.ready()
    }

    fn warm_up<'a>(&'a self, plan: &'a Plan) -> ReadyFuture<'a> {
        Box::pin(self.warm_up(plan))
    }

    fn pool_metrics(&self) -> Option<PoolMetrics> {
        Some(self.shared.metrics.clone())
    }

    fn settle(&self) -> SettleFuture<'_> {
        Box::pin(async {
            for sandbox in self.shared.shelf().close() {
                self.shared.backend.remove(sandbox);
            }
            self.shared.closing.cancel();
            self.shared.starts.close();
            self.shared.starts.wait().await;
            self.shared.backend.settle().await;
        })
    }
}

impl<B: StartsAhead> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("backend", &self.shared.backend).finish_non_exhaustive()
    }
}
