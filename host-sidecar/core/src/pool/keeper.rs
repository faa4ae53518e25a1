//! Keeps the shelf as full as it should be, and nothing on it for too long.

use super::{Shared, StartsAhead, shelf::Order};
use crate::policy::Profile;
use std::sync::{Arc, Weak};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The task that does it. It ends with the pool.
pub(super) struct Keeper<B: StartsAhead>(Weak<Shared<B>>);

impl<B: StartsAhead> Keeper<B> {
    pub(super) fn start(shared: &Arc<Shared<B>>) {
        tokio::spawn(Self(Arc::downgrade(shared)).keep(shared.changed.subscribe()));
    }

    async fn keep(self, mut changes: watch::Receiver<()>) {
        while let Some(shared) = self.0.upgrade() {
            let (Order { start, remove, next }, waiting, starting) = {
                let mut shelf = shared.shelf();
                (shelf.order(Instant::now()), shelf.waiting(), shelf.starting())
            };
            shared.metrics.set_sizes(waiting, starting);
            for sandbox in remove {
                shared.backend.remove(sandbox);
            }
            for profile in start {
                shared.starts.spawn(start_one(shared.clone(), profile));
            }
            let closing = shared.closing.clone();
            // The pool goes when nobody else holds it.
            drop(shared);
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sleep_until(next) => {}
                () = closing.cancelled() => return,
            }
        }
    }
}

async fn start_one<B: StartsAhead>(shared: Arc<Shared<B>>, profile: Profile) {
    let begun = Instant::now();
    let started = shared.backend.start_ahead(&profile, shared.max_age, &shared.closing).await;
    match &started {
        Ok(sandbox) => {
            shared.metrics.started(begun.elapsed());
            tracing::debug!(?sandbox, "a sandbox waits");
        }
        Err(_) if shared.closing.is_cancelled() => {}
        Err(error) => {
            shared.metrics.start_failed();
            tracing::warn!(code = ?error.code, error = error.log_message(), detail = error.detail, "no sandbox could be started ahead");
        }
    }
    let unwanted = shared.shelf().started(&profile, started.ok(), Instant::now());
    if let Some(sandbox) = unwanted {
        shared.backend.remove(sandbox);
    }
    shared.changed.send_replace(());
}
