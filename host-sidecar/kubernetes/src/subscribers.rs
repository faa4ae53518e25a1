//! What one watch sees, handed to the runs that it is about.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The runs that want to hear, each with the latest that it could have heard.
#[derive(Debug)]
pub(super) struct Subscribers<T>(Arc<Mutex<HashMap<String, watch::Sender<T>>>>);

impl<T> Clone for Subscribers<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Subscribers<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Default> Subscribers<T> {
    /// One run hears from now on.
    pub(super) fn add(&self, run: &str) -> Subscription<T> {
        let (sender, latest) = watch::channel(T::default());
        self.lock().insert(run.to_owned(), sender);
        Subscription { run: run.to_owned(), subscribers: self.clone(), latest }
    }
}

impl<T> Subscribers<T> {
    /// Changes what a run knows; the change says whether it was one.
    pub(super) fn update(&self, run: &str, change: impl FnOnce(&mut T) -> bool) {
        if let Some(sender) = self.lock().get(run) {
            sender.send_if_modified(change);
        }
    }

    /// The runs that know such a thing.
    pub(super) fn such(&self, is_such: impl Fn(&T) -> bool) -> Vec<String> {
        self.lock().iter().filter(|(_, sender)| is_such(&sender.borrow())).map(|(run, _)| run.clone()).collect()
    }

    /// Changes what each run knows.
    pub(super) fn update_all(&self, change: impl Fn(&mut T) -> bool) {
        self.lock().values().for_each(|sender| {
            sender.send_if_modified(&change);
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One run's part of a watch.
#[derive(Debug)]
pub(super) struct Subscription<T> {
    pub(super) run: String,
    pub(super) subscribers: Subscribers<T>,
    latest: watch::Receiver<T>,
}

impl<T: Clone> Subscription<T> {
    /// Waits for something new.
    pub(super) async fn changed(&mut self) {
        // The sender is there for as long as this is.
        let _ = self.latest.changed().await;
    }

    /// Waits until what is known is such.
    pub(super) async fn wait_for(&mut self, is_such: impl FnMut(&T) -> bool) {
        let _ = self.latest.wait_for(is_such).await;
    }

    /// The latest.
    pub(super) fn latest(&self) -> T {
        self.latest.borrow().clone()
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.subscribers.lock().remove(&self.run);
    }
}
