//! Distributes what one watch reports to the executions that it concerns.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The observed state of each subscribed execution, by its id. Clones share it.
#[derive(Debug)]
pub(crate) struct WatchFanout<T>(Arc<Mutex<HashMap<String, watch::Sender<T>>>>);

impl<T> Clone for WatchFanout<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for WatchFanout<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Default> WatchFanout<T> {
    /// Subscribes an execution, until the subscription is dropped.
    pub(super) fn subscribe(&self, id: &str) -> Subscription<T> {
        let (sender, latest) = watch::channel(T::default());
        self.lock().insert(id.to_owned(), sender);
        Subscription { id: id.to_owned(), fanout: self.clone(), latest }
    }
}

impl<T> WatchFanout<T> {
    /// Changes the state of one execution. `change` returns whether its subscriber has to be notified.
    pub(super) fn update(&self, id: &str, change: impl FnOnce(&mut T) -> bool) {
        if let Some(sender) = self.lock().get(id) {
            sender.send_if_modified(change);
        }
    }

    /// Changes the state of every execution.
    pub(super) fn update_all(&self, change: impl Fn(&mut T) -> bool) {
        self.lock().values().for_each(|sender| {
            sender.send_if_modified(&change);
        });
    }

    /// The ids of the executions whose state matches.
    pub(super) fn matching(&self, is_match: impl Fn(&T) -> bool) -> Vec<String> {
        self.lock()
            .iter()
            .filter(|(_, sender)| is_match(&sender.borrow()))
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The observed state of one execution.
#[derive(Debug)]
pub(crate) struct Subscription<T> {
    pub(super) id: String,
    pub(super) fanout: WatchFanout<T>,
    latest: watch::Receiver<T>,
}

impl<T: Clone> Subscription<T> {
    /// Waits for a change since the last call.
    pub(crate) async fn changed(&mut self) {
        // The sender exists as long as this subscription.
        let _ = self.latest.changed().await;
    }

    /// Waits until the state matches.
    pub(super) async fn wait_for(&mut self, is_match: impl FnMut(&T) -> bool) {
        let _ = self.latest.wait_for(is_match).await;
    }

    pub(crate) fn latest(&self) -> T {
        self.latest.borrow().clone()
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.fanout.lock().remove(&self.id);
    }
}
