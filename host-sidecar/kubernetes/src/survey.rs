//! A look at all objects of a kind, for all runs at once: what many runs miss is not asked for by each of them.

use super::cluster::{RequestError, bounded};
use kube::{Api, api::ListParams};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// For so long, nobody looks again.
const PAUSE: Duration = Duration::from_secs(5);
/// Objects that are asked for at once.
const PAGE: u32 = 500;

/// When the last one was.
#[derive(Debug, Default)]
pub(super) struct Survey(Mutex<Option<Instant>>);

impl Survey {
    /// Sees each object there is; gives whether that was done now, and not by somebody else in the moment before.
    pub(super) async fn take<K>(
        &self,
        api: &Api<K>,
        mut params: ListParams,
        mut see: impl FnMut(K),
    ) -> Result<bool, RequestError>
    where
        K: Clone + Debug + DeserializeOwned,
    {
        let mut last = self.0.lock().await;
        if last.is_some_and(|last| last.elapsed() < PAUSE) {
            return Ok(false);
        }
        // One that fails is not tried by everybody in turn either.
        *last = Some(Instant::now());
        params = params.limit(PAGE);
        loop {
            let page = bounded(api.list(&params)).await?;
            page.items.into_iter().for_each(&mut see);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(true),
            }
        }
    }
}
