//! An execution as server-sent events.

use super::{
    answer::Answer,
    execution::{Caller, Execution, Feed},
};
use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use cofferdam_http_api::Event;
use futures_util::{
    StreamExt,
    stream::{iter, unfold},
};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{sync::broadcast::error::RecvError, time::timeout};

/// How often a stream says something, so that nothing on the way takes its connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is still to be sent.
struct Rest {
    execution: Arc<Execution>,
    /// Of a request that waits for the outcome, for as long as it does.
    _caller: Option<Caller>,
    step: Step,
}

enum Step {
    Accepted(Option<Feed>),
    Live(Feed),
    Answer,
    Nothing,
}

/// Sends what happens in an execution until it is over. Who reads too slowly misses some of the output while it comes, and is
/// told so; the outcome has all of it that is kept. A caller who hangs up drops this.
pub(super) fn stream(execution: Arc<Execution>, caller: Option<Caller>, feed: Option<Feed>) -> Response {
    let rest = Rest { execution, _caller: caller, step: Step::Accepted(feed) };
    let events = unfold(rest, async |mut rest| Some((rest.next().await?, rest)));
    let body = Body::from_stream(events.flat_map(|parts| iter(parts.into_iter().map(Ok::<_, Infallible>))));
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

impl Rest {
    /// The parts of the next event.
    async fn next(&mut self) -> Option<Vec<Bytes>> {
        let next = match &mut self.step {
            Step::Accepted(feed) => {
                self.step = feed.take().map_or(Step::Answer, Step::Live);
                return Some(sent(&Event::Accepted(self.execution.id.clone())));
            }
            Step::Live(feed) => match timeout(KEEP_ALIVE, feed.recv()).await {
                Ok(Ok(event)) => Some(sent(&event)),
                Ok(Err(RecvError::Lagged(missed))) => Some(vec![
                    format!(": {missed} events were not kept for so slow a reader; the outcome has all output\n\n")
                        .into(),
                ]),
                Ok(Err(RecvError::Closed)) => None,
                Err(_) => Some(keep_alive()),
            },
            Step::Answer => None,
            Step::Nothing => return None,
        };
        match next {
            Some(event) => Some(event),
            None => self.last().await,
        }
    }

    async fn last(&mut self) -> Option<Vec<Bytes>> {
        self.step = Step::Answer;
        let Ok(answer) = timeout(KEEP_ALIVE, self.execution.answer()).await else { return Some(keep_alive()) };
        self.step = Step::Nothing;
        Some(match answer {
            Answer::Ended(outcome) => vec!["event: ended\ndata: {\"ended\":".into(), outcome, "}\n\n".into()],
            Answer::Failed(problem) => sent(&Event::Failed((*problem).clone())),
        })
    }
}

fn keep_alive() -> Vec<Bytes> {
    vec![Bytes::from_static(b":\n\n")]
}

/// An event with the name of its one member.
fn sent(event: &Event) -> Vec<Bytes> {
    let name = match event {
        Event::Accepted(_) => "accepted",
        Event::Reached(_) => "reached",
        Event::Stdout(_) => "stdout",
        Event::Stderr(_) => "stderr",
        Event::Ended(_) => "ended",
        Event::Failed(_) => "failed",
    };
    // JSON in one line: there is no line end that an event could not hold.
    let data = serde_json::to_string(event).unwrap_or_default();
    vec![format!("event: {name}\ndata: {data}\n\n").into()]
}
