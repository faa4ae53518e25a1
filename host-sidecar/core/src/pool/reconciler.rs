//! The task that creates and deletes prewarmed sandboxes.

use super::{Shared, state::Actions};
use crate::{
    backend::{Purpose, Sandbox},
    spec::SandboxSpec,
};
use cofferdam_types::Error;
use std::sync::{Arc, Weak};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Ends with the pool.
pub(super) struct Reconciler(Weak<Shared>);

impl Reconciler {
    pub(super) fn start(shared: &Arc<Shared>) {
        tokio::spawn(Self(Arc::downgrade(shared)).run(shared.changed.subscribe()));
    }

    async fn run(self, mut changes: watch::Receiver<()>) {
        self.resolve_usual().await;
        while let Some(shared) = self.0.upgrade() {
            let next = reconcile(&shared);
            let closed = shared.closed.clone();
            // The reconciler does not keep the pool alive.
            drop(shared);
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sleep_until(next) => {}
                () = closed.cancelled() => return,
            }
        }
    }

    /// Where that fails, as for an image that is not there yet, the failures of starts say why.
    async fn resolve_usual(&self) {
        let Some(shared) = self.0.upgrade() else { return };
        if let Ok(resolved) = shared.backend.resolve(shared.usual.clone()).await {
            shared.state().resolve_usual(resolved, Instant::now());
        }
    }
}

/// Starts and deletes what the state requires; gives when to do that again.
fn reconcile(shared: &Arc<Shared>) -> Instant {
    let (Actions { start, delete, next }, idle, starting) = {
        let mut state = shared.state();
        (state.reconcile(Instant::now()), state.idle(), state.starting())
    };
    shared.metrics.set_sizes(idle, starting);
    for sandbox in delete {
        shared.delete(sandbox);
    }
    for spec in start {
        shared.tasks.spawn(start_one(shared.clone(), spec));
    }
    next
}

async fn start_one(shared: Arc<Shared>, spec: SandboxSpec) {
    let begun = Instant::now();
    let purpose = Purpose::Pool { max_age: shared.max_age, cancelled: &shared.closed };
    let created = shared.backend.create(&spec, purpose).await;
    record(&shared, &created, begun);
    let unwanted = shared.state().start_ended(&spec, created.ok(), Instant::now());
    if let Some(sandbox) = unwanted {
        shared.delete(sandbox);
    }
    shared.changed.send_replace(());
}

fn record(shared: &Shared, created: &Result<Box<dyn Sandbox>, Error>, begun: Instant) {
    match created {
        Ok(sandbox) => {
            shared.metrics.started(begun.elapsed());
            tracing::debug!(?sandbox, "a sandbox waits");
        }
        Err(_) if shared.closed.is_cancelled() => {}
        Err(error) => {
            shared.metrics.start_failed();
            let (message, detail) = (error.log_message(), &error.detail);
            tracing::warn!(code = ?error.code, error = message, detail, "no sandbox could be started ahead");
        }
    }
}
