//! An execution as server-sent events.

use crate::executions::{EventReceiver, Execution, ExecutionResult, Waiter};
use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use cofferdam_http_api::Event;
use futures_util::{
    StreamExt,
    stream::{iter, unfold},
};
use http::header;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{sync::broadcast::error::RecvError, time::timeout};

/// Interval of comments in an idle stream, so that no proxy closes its connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

struct EventStream {
    execution: Arc<Execution>,
    /// Keeps the execution running for the caller that requested it.
    _waiter: Option<Waiter>,
    step: Step,
}

/// What the stream sends next.
enum Step {
    Accepted(Option<EventReceiver>),
    Events(EventReceiver),
    Result,
    End,
}

/// Sends the events of an execution until it ends. A slow reader misses events, and a comment says so; the
/// outcome contains all captured output. When the caller disconnects, the response and the waiter are
/// dropped.
pub(crate) fn response(
    execution: Arc<Execution>,
    waiter: Option<Waiter>,
    events: Option<EventReceiver>,
) -> Response {
    let stream = EventStream { execution, _waiter: waiter, step: Step::Accepted(events) };
    let events = unfold(stream, async |mut stream| Some((stream.next().await?, stream)));
    let body = Body::from_stream(events.flat_map(|parts| iter(parts.into_iter().map(Ok::<_, Infallible>))));
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

impl EventStream {
    /// The parts of the next event or comment.
    async fn next(&mut self) -> Option<Vec<Bytes>> {
        match &mut self.step {
            Step::Accepted(events) => {
                self.step = events.take().map_or(Step::Result, Step::Events);
                Some(encode(&Event::Accepted(self.execution.id.clone())))
            }
            Step::Events(events) => match timeout(KEEP_ALIVE_INTERVAL, events.recv()).await {
                Ok(Ok(event)) => Some(encode(&event)),
                Ok(Err(RecvError::Lagged(missed))) => Some(missed_events(missed)),
                Ok(Err(RecvError::Closed)) => self.result().await,
                Err(_) => Some(keep_alive()),
            },
            Step::Result => self.result().await,
            Step::End => None,
        }
    }

    async fn result(&mut self) -> Option<Vec<Bytes>> {
        self.step = Step::Result;
        let Ok(result) = timeout(KEEP_ALIVE_INTERVAL, self.execution.wait()).await else {
            return Some(keep_alive());
        };
        self.step = Step::End;
        Some(match result {
            ExecutionResult::Outcome(json) => {
                vec!["event: ended\ndata: {\"ended\":".into(), json, "}\n\n".into()]
            }
            ExecutionResult::Problem(problem) => encode(&Event::Failed((*problem).clone())),
        })
    }
}

fn keep_alive() -> Vec<Bytes> {
    vec![Bytes::from_static(b":\n\n")]
}

fn missed_events(missed: u64) -> Vec<Bytes> {
    vec![
        format!(": {missed} events were not kept for so slow a reader; the outcome has all output\n\n")
            .into(),
    ]
}

/// Encodes an event under the name of its only member.
fn encode(event: &Event) -> Vec<Bytes> {
    let name = match event {
        Event::Accepted(_) => "accepted",
        Event::Reached(_) => "reached",
        Event::Stdout(_) => "stdout",
        Event::Stderr(_) => "stderr",
        Event::Ended(_) => "ended",
        Event::Failed(_) => "failed",
    };
    // Compact JSON has no line break, which would end the field.
    let data = serde_json::to_string(event).unwrap_or_default();
    vec![format!("event: {name}\ndata: {data}\n\n").into()]
}
