//! A request with a time limit.

use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Time limit of one request.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The API server's answer, or an error of the client.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// There was no answer within the time limit.
    #[error("the API server did not answer in time")]
    TimedOut,
}

/// Awaits an answer for [`REQUEST_TIMEOUT`].
pub(crate) async fn with_timeout<T>(
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, RequestError> {
    with_deadline(Instant::now() + REQUEST_TIMEOUT, request).await
}

/// Awaits an answer for [`REQUEST_TIMEOUT`], and no longer than until the deadline.
pub(crate) async fn with_deadline<T>(
    deadline: Instant,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, RequestError> {
    match timeout_at(deadline.min(Instant::now() + REQUEST_TIMEOUT), request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(RequestError::TimedOut),
    }
}
