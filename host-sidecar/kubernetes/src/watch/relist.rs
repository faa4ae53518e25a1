//! Lists all objects of a kind for all executions at once, instead of one request for each execution.

use crate::api::{RequestError, with_timeout};
use kube::{Api, api::ListParams};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Least time between two lists.
const MIN_INTERVAL: Duration = Duration::from_secs(5);
/// Objects in one answer.
const PAGE_SIZE: u32 = 500;

/// The time of the last list.
#[derive(Debug, Default)]
pub(super) struct Relist(Mutex<Option<Instant>>);

impl Relist {
    /// Calls `handle` for each object. Returns `false` if there was another list less than [`MIN_INTERVAL`]
    /// ago.
    pub(super) async fn run<K>(
        &self,
        api: &Api<K>,
        mut params: ListParams,
        mut handle: impl FnMut(K),
    ) -> Result<bool, RequestError>
    where
        K: Clone + Debug + DeserializeOwned,
    {
        let mut last = self.0.lock().await;
        if last.is_some_and(|last| last.elapsed() < MIN_INTERVAL) {
            return Ok(false);
        }
        // Set before the request, so that the waiting executions do not repeat one that fails.
        *last = Some(Instant::now());
        params = params.limit(PAGE_SIZE);
        loop {
            let page = with_timeout(api.list(&params)).await?;
            page.items.into_iter().for_each(&mut handle);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(true),
            }
        }
    }
}
