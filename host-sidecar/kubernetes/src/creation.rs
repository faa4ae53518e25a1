//! Creating an object exactly once, whatever becomes of the answers.

use super::{
    cluster::{RequestError, bounded, bounded_until},
    manifest::TTL,
    refusal,
};
use cofferdam_types::Error;
use kube::{Api, Resource, ResourceExt, api::PostParams};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, time::Duration};
use tokio::time::{Instant, sleep};

/// How long it is tried to reach a server that is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// Between two attempts, at first and at the most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Why an object could not be created.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether it may exist all the same.
    pub(super) may_exist: bool,
}

/// Creates an object whose name nobody else uses. An answer that was lost is settled by that name: the object is there,
/// or the next attempt makes it. That ends well before the cluster might have removed one that has already done its work.
pub(super) async fn create<K>(api: &Api<K>, object: &K, step: &str, deadline: Instant) -> Result<K, Failure>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned,
{
    let deadline = deadline.min(Instant::now() + TTL / 2);
    let begun = Instant::now();
    let (mut pause, mut may_exist) = (BACKOFF.0, false);
    loop {
        let error = match bounded_until(deadline, api.create(&PostParams::default(), object)).await {
            Ok(created) => return Ok(created),
            Err(error) => error,
        };
        if is_taken(&error) {
            return settle(api, object, step).await.map_err(|error| Failure { error, may_exist: true });
        }
        may_exist |= may_have_happened(&error);
        // Who is not there at all will hardly come while one waits.
        let until =
            if may_exist || !refusal::is_unconnected(&error) { deadline } else { deadline.min(begun + CONNECT) };
        if !refusal::is_passing(&error) || Instant::now() + pause > until {
            return Err(Failure { error: refusal::of_request(step, &error, false), may_exist });
        }
        tracing::debug!(%error, step, "trying again");
        sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// The object of that name, which can only be ours, made by a request whose answer was lost.
async fn settle<K>(api: &Api<K>, object: &K, step: &str) -> Result<K, Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let found = bounded(api.get(&object.name_any())).await.map_err(|error| refusal::of_request(step, &error, true))?;
    // What we made has all our labels; a webhook may have added some.
    if object.labels().iter().all(|(key, value)| found.labels().get(key) == Some(value)) {
        return Ok(found);
    }
    let detail = format!("cannot {step}: {} is there with other labels than ours", object.name_any());
    Err(Error::internal("the name of the run is taken", detail))
}

fn is_taken(error: &RequestError) -> bool {
    matches!(error, RequestError::Kube(kube::Error::Api(status)) if status.code == 409 && status.reason == "AlreadyExists")
}

/// Whether the request may have reached the cluster all the same.
fn may_have_happened(error: &RequestError) -> bool {
    match error {
        RequestError::Kube(kube::Error::Api(status)) => status.code >= 500,
        // A connection that did not come about carried nothing.
        RequestError::Kube(kube) => !refusal::is_unconnected(error) && !refusal::is_of_credentials(kube),
        RequestError::Silence => true,
    }
}
