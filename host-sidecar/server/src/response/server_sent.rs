//! Server-sent events of a stream.

use crate::state::AppState;
use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream::unfold};
use http::header;
use serde::Serialize;
use std::{convert::Infallible, pin::Pin, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Interval of comments in an idle stream, so that no proxy closes its connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// When a stream of events ends early.
#[derive(Debug, Clone)]
pub(crate) enum EndsAt {
    /// At the start of the shutdown: nobody waits for a program.
    Shutdown,
    /// When no execution may continue any longer.
    GraceOver,
}

/// A response with these events, encoded, until they or the sidecar end. Dropping it drops the stream.
pub(crate) fn response(
    state: &AppState,
    ends_at: &EndsAt,
    events: impl Stream<Item = Bytes> + Send + 'static,
) -> Response {
    let stopped = match ends_at {
        EndsAt::Shutdown => state.shutting_down.clone(),
        EndsAt::GraceOver => state.grace_over.clone(),
    };
    let body = unfold((Box::pin(events), stopped), next);
    (
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")],
        Body::from_stream(body),
    )
        .into_response()
}

type State<S> = (Pin<Box<S>>, CancellationToken);

async fn next<S: Stream<Item = Bytes>>(
    (mut events, stopped): State<S>,
) -> Option<(Result<Bytes, Infallible>, State<S>)> {
    let event = match stopped.run_until_cancelled(timeout(KEEP_ALIVE_INTERVAL, events.next())).await? {
        Ok(event) => event?,
        Err(_) => KEEP_ALIVE,
    };
    Some((Ok(event), (events, stopped)))
}

/// Encodes an event.
pub(crate) fn encode(name: &str, data: &impl Serialize) -> Bytes {
    // Compact JSON has no line break, which would end the field.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}
