//! An endless watch of one kind of object, over as many requests as it takes.

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{StreamExt, pin_mut};
use kube::{
    Api, Resource, ResourceExt,
    api::{WatchEvent as Event, WatchParams},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// Seconds after which the server ends a watch request.
const SERVER_TIMEOUT_SECONDS: u32 = 240;
/// Time limit of a watch request. After it the connection is lost, since the server would have ended the
/// request.
const WATCH_TIMEOUT: Duration = Duration::from_secs(SERVER_TIMEOUT_SECONDS as u64 + 10);
/// Time limit for the first bytes of the answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A watch that lasted longer than this resets the delay before the next one.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);
const RECONNECT: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(MAX_RECONNECT_DELAY)
    .without_max_times();
/// The resource version that starts a watch with the objects that exist.
pub(super) const ANY_VERSION: &str = "0";

/// What a watch reports.
pub(super) enum WatchEvent<K> {
    /// An object was created or changed: its new state.
    Applied(K),
    /// An object was deleted: its last state.
    Deleted(K),
    /// The watch was interrupted, so changes may have been missed.
    Error,
}

/// Watches until it is dropped. After an interruption it continues at the last version, or at [`ANY_VERSION`]
/// if the server rejects that.
pub(super) async fn watch<K>(
    api: Api<K>,
    params: WatchParams,
    mut version: String,
    mut handle: impl FnMut(WatchEvent<K>),
) where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let params = params.timeout(SERVER_TIMEOUT_SECONDS);
    let mut delays = RECONNECT.build();
    loop {
        let started = Instant::now();
        match watch_once(&api, &params, &mut version, &mut handle).await {
            Ok(Connection::Ended) => {}
            Ok(Connection::TimedOut) => handle(WatchEvent::Error),
            Err(error) => {
                tracing::debug!(%error, "a watch was interrupted");
                handle(WatchEvent::Error);
                if let kube::Error::Api(_) = error {
                    // For example 410 for a version that has expired.
                    version = ANY_VERSION.to_owned();
                }
            }
        }
        if started.elapsed() > MAX_RECONNECT_DELAY {
            delays = RECONNECT.build();
        }
        sleep(delays.next().unwrap_or(MAX_RECONNECT_DELAY)).await;
    }
}

/// How a watch request came to its end without an error.
enum Connection {
    Ended,
    /// The server did not begin an answer.
    TimedOut,
}

/// Sends one watch request and handles its events until it ends.
async fn watch_once<K>(
    api: &Api<K>,
    params: &WatchParams,
    version: &mut String,
    handle: &mut impl FnMut(WatchEvent<K>),
) -> kube::Result<Connection>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let deadline = Instant::now() + WATCH_TIMEOUT;
    let Ok(stream) = timeout_at(Instant::now() + CONNECT_TIMEOUT, api.watch(params, version)).await else {
        return Ok(Connection::TimedOut);
    };
    let stream = stream?;
    pin_mut!(stream);
    while let Ok(Some(event)) = timeout_at(deadline, stream.next()).await {
        match event? {
            Event::Added(object) | Event::Modified(object) => {
                *version = object.resource_version().unwrap_or_default();
                handle(WatchEvent::Applied(object));
            }
            Event::Deleted(object) => {
                *version = object.resource_version().unwrap_or_default();
                handle(WatchEvent::Deleted(object));
            }
            Event::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
            Event::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(Connection::Ended)
}
