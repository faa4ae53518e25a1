//! Prewarmed sandboxes: they are created before there is a program for them. Each is used once, as any other
//! sandbox.

mod config;
mod entry;
mod metrics;
mod preemption;
mod reconciler;
mod state;

pub use config::{PoolConfig, default_concurrency};
pub use metrics::{Histogram, PoolMetrics, PoolSnapshot};
pub(crate) use preemption::Preemption;

use crate::{
    backend::{Backend, Sandbox},
    spec::SandboxSpec,
};
use cofferdam_types::{Error, ErrorCode};
use reconciler::Reconciler;
use state::PoolState;
use std::{
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The prewarmed sandboxes of a backend.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// The reconciler is spawned on the runtime of the first call.
    reconciler: Once,
}

/// What the pool and its reconciler both use.
#[derive(Debug)]
struct Shared {
    backend: Arc<dyn Backend>,
    state: Mutex<PoolState<Box<dyn Sandbox>>>,
    /// Notified of each change of the state.
    changed: watch::Sender<()>,
    /// Sandboxes that are being created or deleted.
    tasks: TaskTracker,
    /// Set when the pool is closed.
    closed: CancellationToken,
    metrics: PoolMetrics,
    max_age: Duration,
    /// What the minimum of sandboxes is created from.
    usual: SandboxSpec,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, PoolState<Box<dyn Sandbox>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn delete(&self, sandbox: Box<dyn Sandbox>) -> JoinHandle<()> {
        self.tasks.spawn(sandbox.delete())
    }
}

impl Pool {
    /// An empty pool. The specification `usual` has the configured minimum as its lowest target.
    pub(crate) fn new(backend: Arc<dyn Backend>, config: &PoolConfig, usual: SandboxSpec) -> Self {
        let shared = Shared {
            backend,
            state: Mutex::new(PoolState::new(config.clone(), usual.clone(), Instant::now())),
            changed: watch::Sender::new(()),
            tasks: TaskTracker::new(),
            closed: CancellationToken::new(),
            metrics: PoolMetrics::default(),
            max_age: config.max_age_seconds.0,
            usual,
        };
        Self { shared: Arc::new(shared), reconciler: Once::new() }
    }

    /// Starts the reconciler, if that was not done.
    pub(crate) fn start(&self) {
        self.reconciler.call_once(|| Reconciler::start(&self.shared));
    }

    pub(crate) fn metrics(&self) -> &PoolMetrics {
        &self.shared.metrics
    }

    /// Takes a prewarmed sandbox that answers, if there is one.
    pub(crate) async fn take(&self, spec: &SandboxSpec) -> Option<Box<dyn Sandbox>> {
        self.start();
        loop {
            let taken = self.shared.state().take(spec, Instant::now());
            self.shared.changed.send_replace(());
            let Some((mut sandbox, age)) = taken else {
                self.shared.metrics.miss();
                return None;
            };
            if sandbox.ping().await {
                self.shared.metrics.hit(age);
                return Some(sandbox);
            }
            self.shared.metrics.unusable();
            self.shared.delete(sandbox);
        }
    }

    /// Deletes an idle sandbox, to make room for an execution that finds no capacity.
    pub(crate) fn evict(&self) {
        let evicted = self.shared.state().evict(Instant::now());
        self.shared.changed.send_replace(());
        if let Some(sandbox) = evicted {
            tracing::debug!(?sandbox, "an idle sandbox is evicted");
            self.shared.delete(sandbox);
        }
    }

    /// Deletes the idle sandboxes of images that requests have chosen, and waits until they are gone. Returns whether
    /// there were any.
    pub(crate) async fn evict_chosen(&self) -> bool {
        let evicted = self.shared.state().evict_chosen();
        let deletions: Vec<_> = evicted.into_iter().map(|sandbox| self.shared.delete(sandbox)).collect();
        let has_evicted = !deletions.is_empty();
        for deletion in deletions {
            let _ = deletion.await;
        }
        has_evicted
    }

    /// Waits until a sandbox of this specification is idle.
    ///
    /// # Errors
    ///
    /// Such a sandbox cannot be created.
    pub(crate) async fn warm_up(&self, spec: &SandboxSpec) -> Result<(), Error> {
        self.start();
        let mut changes = self.shared.changed.subscribe();
        let _guard = WarmUpGuard::new(&self.shared, spec);
        self.shared.changed.send_replace(());
        loop {
            match self.shared.state().is_warm(spec) {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => {
                    let text = "no sandbox can be prewarmed for this; the operator's log says why";
                    return Err(Error::new(ErrorCode::SandboxUnavailable, text).retryable());
                }
            }
            // The sender lives as long as this pool.
            let _ = changes.changed().await;
        }
    }

    /// Deletes all idle sandboxes and waits until nothing is created or deleted any more.
    pub(crate) async fn close(&self) {
        for sandbox in self.shared.state().close() {
            self.shared.delete(sandbox);
        }
        self.shared.closed.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

/// A caller that waits until a sandbox is idle.
struct WarmUpGuard<'a> {
    shared: &'a Shared,
    spec: &'a SandboxSpec,
}

impl<'a> WarmUpGuard<'a> {
    fn new(shared: &'a Shared, spec: &'a SandboxSpec) -> Self {
        shared.state().add_waiter(spec, Instant::now());
        Self { shared, spec }
    }
}

impl Drop for WarmUpGuard<'_> {
    fn drop(&mut self) {
        self.shared.state().remove_waiter(self.spec, Instant::now());
    }
}
