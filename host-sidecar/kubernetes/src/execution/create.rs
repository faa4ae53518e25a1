//! Creates an object exactly once, even if answers are lost.

use crate::{
    api::{
        RequestError,
        error::{self, is_connect_error, is_credentials_error, is_transient},
        with_deadline, with_timeout,
    },
    manifest::TTL,
};
use backon::{ExponentialBuilder, Retryable};
use cofferdam_types::Error;
use kube::{Api, Resource, ResourceExt, api::PostParams};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, time::Duration};
use tokio::time::Instant;

/// For how long a connection is retried. A server that cannot be reached at all is rarely back within a
/// longer time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(2))
    .without_max_times();

/// Why an object could not be created.
#[derive(Debug)]
pub(super) struct CreateError {
    pub(super) error: Error,
    /// Whether it may exist all the same.
    pub(super) may_exist: bool,
}

/// Creates an object with a unique name. If an answer is lost, the name tells at the next attempt whether the
/// object exists. The attempts end well before the cluster could have deleted a Job that has already
/// finished.
pub(super) async fn create<K>(
    api: &Api<K>,
    object: &K,
    step: &str,
    deadline: Instant,
) -> Result<K, CreateError>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned,
{
    let started = Instant::now();
    let deadline = deadline.min(started + TTL / 2);
    let params = PostParams::default();
    let mut may_exist = false;
    let created = (|| with_deadline(deadline, api.create(&params, object)))
        .retry(RETRY)
        .adjust(|error, delay| {
            if already_exists(error) {
                return None;
            }
            may_exist |= may_have_happened(error);
            let is_unreachable = !may_exist && is_connect_error(error);
            let limit = if is_unreachable { deadline.min(started + CONNECT_TIMEOUT) } else { deadline };
            delay.filter(|delay| is_transient(error) && Instant::now() + *delay <= limit)
        })
        .notify(|error, _| tracing::debug!(%error, step, "the request is retried"))
        .await;
    match created {
        Ok(created) => Ok(created),
        Err(error) if already_exists(&error) => {
            resolve_conflict(api, object, step).await.map_err(|error| CreateError { error, may_exist: true })
        }
        Err(error) => Err(CreateError { error: error::from_request(step, &error, false), may_exist }),
    }
}

/// Reads the object of that name. It is ours, created by a request whose answer was lost.
async fn resolve_conflict<K>(api: &Api<K>, object: &K, step: &str) -> Result<K, Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let name = object.name_any();
    let existing =
        with_timeout(api.get(&name)).await.map_err(|error| error::from_request(step, &error, true))?;
    // Webhooks may have added labels.
    if object.labels().iter().all(|(key, value)| existing.labels().get(key) == Some(value)) {
        return Ok(existing);
    }
    let detail = format!("cannot {step}: {name} exists with other labels");
    Err(Error::internal("an object with the name of the execution already exists", detail))
}

fn already_exists(error: &RequestError) -> bool {
    matches!(error, RequestError::Kube(kube::Error::Api(status)) if status.code == 409 && status.reason == "AlreadyExists")
}

/// Whether the cluster may have carried out the request.
fn may_have_happened(error: &RequestError) -> bool {
    match error {
        RequestError::Kube(kube::Error::Api(status)) => status.code >= 500,
        // Without a connection or without credentials it was not sent.
        RequestError::Kube(kube) => !is_connect_error(error) && !is_credentials_error(kube),
        RequestError::TimedOut => true,
    }
}
