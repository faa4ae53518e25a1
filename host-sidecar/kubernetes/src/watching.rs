//! Watching a kind of object for ever.

use futures_util::{StreamExt, pin_mut};
use kube::{
    Api, Resource, ResourceExt,
    api::{WatchEvent, WatchParams},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// How long the server keeps one watch open.
const SERVER_SECONDS: u32 = 240;
/// After this time it is not the server that is silent, but the connection that is gone.
const SILENCE: Duration = Duration::from_secs(SERVER_SECONDS as u64 + 10);
/// How long a server may take to begin one.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two attempts, at first and at the most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Any version will do: what there is comes first.
pub(super) const FROM_THE_START: &str = "0";

/// What a watch sees.
pub(super) enum Seen<K> {
    /// An object, as it is now.
    Object(K),
    /// One that is not there any more, as it was last.
    Gone(K),
    /// Nothing for a while: the watch broke off.
    Trouble,
}

/// Watches for ever, from where it was when a watch ended, or from the start where the server has forgotten that.
pub(super) async fn watch<K>(api: Api<K>, params: WatchParams, version: String, mut see: impl FnMut(Seen<K>))
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let params = params.timeout(SERVER_SECONDS);
    let (mut version, mut pause) = (version, BACKOFF.0 / 2);
    loop {
        let begun = Instant::now();
        match follow(&api, &params, &mut version, &mut see).await {
            Ok(true) => {}
            Ok(false) => see(Seen::Trouble),
            Err(error) => {
                tracing::debug!(%error, "a watch broke off");
                see(Seen::Trouble);
                if let kube::Error::Api(_) = error {
                    // Whatever it was, such as 410 for a version that is forgotten, the start is always known.
                    version = FROM_THE_START.to_owned();
                }
            }
        }
        // One that lasted was a good one; others are not to be asked for in a hurry.
        pause = if begun.elapsed() > BACKOFF.1 { BACKOFF.0 } else { (pause * 2).min(BACKOFF.1) };
        sleep(pause).await;
    }
}

/// Follows one watch to its end, and gives whether it came about.
async fn follow<K>(
    api: &Api<K>,
    params: &WatchParams,
    version: &mut String,
    see: &mut impl FnMut(Seen<K>),
) -> kube::Result<bool>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let deadline = Instant::now() + SILENCE;
    let Ok(stream) = timeout_at(Instant::now() + ANSWER, api.watch(params, version)).await else { return Ok(false) };
    let stream = stream?;
    pin_mut!(stream);
    while let Ok(Some(event)) = timeout_at(deadline, stream.next()).await {
        match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                *version = object.resource_version().unwrap_or_default();
                see(Seen::Object(object));
            }
            WatchEvent::Deleted(object) => {
                *version = object.resource_version().unwrap_or_default();
                see(Seen::Gone(object));
            }
            WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(true)
}
