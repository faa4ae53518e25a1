//! Pulls that requests cause: in the background, shared by the requests for an image, and bounded in number.

use cofferdam_images::Reference;
use cofferdam_local::ChosenImage;
use cofferdam_types::{Error, ErrorCode};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};
use tokio::sync::watch;

/// How many pulls there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullLimits {
    /// Of all tenants.
    pub all: u32,
    /// Of one tenant.
    pub tenant: u32,
}

/// The pulls that are going on.
#[derive(Debug, Clone)]
pub(super) struct Pulls {
    limits: PullLimits,
    running: Arc<Mutex<Vec<Running>>>,
}

/// What the callers of a pull receive when it has ended.
type Ended = watch::Receiver<Option<Result<(), Error>>>;

#[derive(Debug)]
struct Running {
    reference: Reference,
    /// For whom. Requests that may choose from other images do not share it: it fetches what they might have already.
    chosen: ChosenImage,
    ended: Ended,
}

impl Pulls {
    pub(super) fn new(limits: PullLimits) -> Self {
        Self { limits, running: Arc::default() }
    }

    /// Waits for the pull of an image, which is started if there is none. It goes on if the caller drops the future.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Overloaded`] if there are too many others; else those of `pull`.
    pub(super) async fn pull(
        &self,
        reference: Reference,
        chosen: ChosenImage,
        pull: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let mut ended = self.join_or_start(reference, chosen, pull)?;
        let result = ended.wait_for(Option::is_some).await;
        let result = result.map(|result| result.clone()).unwrap_or_default();
        result
            .unwrap_or_else(|| Err(Error::internal("the pull of the image was aborted", "its thread ended")))
    }

    fn join_or_start(
        &self,
        reference: Reference,
        chosen: ChosenImage,
        pull: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) -> Result<Ended, Error> {
        let mut running = self.running();
        let is_same =
            |other: &&Running| (&other.reference, &other.chosen.allowed) == (&reference, &chosen.allowed);
        if let Some(same) = running.iter().find(is_same) {
            return Ok(same.ended.clone());
        }
        let of_tenant = running.iter().filter(|other| other.chosen.tenant == chosen.tenant).count();
        self.require_place(running.len(), of_tenant)?;
        let (sender, ended) = watch::channel(None);
        running.push(Running { reference: reference.clone(), chosen: chosen.clone(), ended: ended.clone() });
        drop(running);
        let place = Place { pulls: self.clone(), ended: ended.clone() };
        // A thread of its own: the end of the process does not wait for it, as it would for one of the runtime.
        let started = thread::Builder::new().name("pull".into()).spawn(move || {
            let result = pull();
            // The place is free before a caller sees the end.
            drop(place);
            sender.send_replace(Some(result));
        });
        started.map_err(|error| Error::internal("the pull of the image cannot be started", error))?;
        Ok(ended)
    }

    fn require_place(&self, all: usize, of_tenant: usize) -> Result<(), Error> {
        let is_full = |count: usize, limit: u32| u32::try_from(count).is_ok_and(|count| count >= limit);
        let setting = if is_full(all, self.limits.all) {
            "images.max_pulls"
        } else if is_full(of_tenant, self.limits.tenant) {
            "images.max_tenant_pulls"
        } else {
            return Ok(());
        };
        let message = format!(
            "too many other images are being pulled ({setting}); try again later, or choose an image that is there"
        );
        Err(Error::new(ErrorCode::Overloaded, message).retryable())
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a pull among the others, until this is dropped.
struct Place {
    pulls: Pulls,
    ended: Ended,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pulls.running().retain(|running| !running.ended.same_channel(&self.ended));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::policy::AllowedImages;
    use std::sync::mpsc::{Sender, channel};
    use tokio::{runtime::Builder, task::JoinHandle};

    fn chosen(name: &str, tenant: &str, allowed: &str) -> ChosenImage {
        let allowed: AllowedImages = [allowed.parse().expect("a pattern")].into_iter().collect();
        ChosenImage { name: name.into(), allowed: Arc::new(allowed), tenant: Some(tenant.into()) }
    }

    /// Starts or joins a pull that ends with the result that it is sent.
    async fn start(
        pulls: &Pulls,
        chosen: ChosenImage,
    ) -> (Sender<Result<(), Error>>, JoinHandle<Result<(), Error>>) {
        let (sender, receiver) = channel();
        let reference = chosen.name.parse().expect("a reference");
        let pulls = pulls.clone();
        let task = tokio::spawn(async move {
            pulls.pull(reference, chosen, move || receiver.recv().expect("a result")).await
        });
        // It runs until it has to wait.
        tokio::task::yield_now().await;
        (sender, task)
    }

    #[test]
    fn pulls_are_bounded_in_all_and_for_each_tenant() {
        let pulls = Pulls::new(PullLimits { all: 3, tenant: 2 });
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let one = start(&pulls, chosen("one", "a", "docker.io/*")).await;
            let two = start(&pulls, chosen("two", "a", "docker.io/*")).await;
            let refused =
                async |chosen| start(&pulls, chosen).await.1.await.expect("a task").expect_err("refused");
            let of_tenant = refused(chosen("three", "a", "docker.io/*")).await;
            assert!(of_tenant.message.contains("max_tenant_pulls") && of_tenant.retryable, "{of_tenant}");
            let three = start(&pulls, chosen("three", "b", "docker.io/*")).await;
            let of_all = refused(chosen("four", "c", "docker.io/*")).await;
            assert_eq!(
                (of_all.code, of_all.message.contains("images.max_pulls")),
                (ErrorCode::Overloaded, true)
            );
            for (sender, task) in [one, two, three] {
                sender.send(Ok(())).expect("a pull");
                assert_eq!(task.await.expect("a task"), Ok(()));
            }
            let (sender, task) = start(&pulls, chosen("four", "c", "docker.io/*")).await;
            sender.send(Ok(())).expect("a pull");
            assert_eq!(task.await.expect("a task"), Ok(()));
        });
    }

    #[test]
    fn requests_that_may_choose_the_same_images_share_a_pull_and_its_error() {
        let pulls = Pulls::new(PullLimits { all: 2, tenant: 1 });
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (sender, first) = start(&pulls, chosen("one", "a", "docker.io/*")).await;
            let (_, same) = start(&pulls, chosen("docker.io/library/one", "b", "docker.io/*")).await;
            let (other_sender, other) = start(&pulls, chosen("one", "b", "library/*")).await;
            let error = Error::new(ErrorCode::ImageUnavailable, "no such image");
            sender.send(Err(error.clone())).expect("a pull");
            for task in [first, same] {
                assert_eq!(task.await.expect("a task"), Err(error.clone()));
            }
            other_sender.send(Ok(())).expect("a pull");
            assert_eq!(other.await.expect("a task"), Ok(()));
        });
    }
}
