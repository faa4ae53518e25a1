//! The body of a request that is passed on as it comes.

use crate::api_error::ApiError;
use axum::body::{Body, Bytes};
use cofferdam_types::Error;
use http::StatusCode;
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::timeout;

/// The bytes of a body.
pub(crate) struct BodyStream {
    body: Body,
    /// Time for the next bytes; none: they may come at any time.
    time: Option<Duration>,
}

impl BodyStream {
    /// Bytes that come without long breaks.
    pub(crate) fn new(body: Body, time: Duration) -> Self {
        Self { body, time: Some(time) }
    }

    /// Bytes that may come at any time, such as those that somebody types.
    pub(crate) fn patient(body: Body) -> Self {
        Self { body, time: None }
    }

    /// The next bytes; none at the end. They are not waited for once what takes them has failed.
    pub(crate) async fn next_unless(
        &mut self,
        failure: impl Future<Output = Error>,
    ) -> Result<Option<Bytes>, ApiError> {
        tokio::select! {
            biased;
            error = failure => Err(error.into()),
            bytes = self.next() => bytes,
        }
    }

    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let frame = match self.time {
                Some(time) => timeout(time, self.body.frame()).await.map_err(|_| stalled(time))?,
                None => self.body.frame().await,
            };
            match frame {
                None => return Ok(None),
                Some(Err(_)) => {
                    return Err(ApiError::invalid(StatusCode::BAD_REQUEST, "the body is incomplete"));
                }
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.into_data().ok().filter(|bytes| !bytes.is_empty()) {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

fn stalled(time: Duration) -> ApiError {
    let text = format!("the body had no more bytes for {} s (serve.body_seconds)", time.as_secs_f64());
    ApiError::invalid(StatusCode::REQUEST_TIMEOUT, text)
}
