//! A run as server-sent events.

use super::execution::{Answer, Caller, Feed};
use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event as Sent, KeepAlive},
};
use cofferdam_api::Event;
use futures_util::stream::unfold;
use std::convert::Infallible;
use tokio::sync::broadcast::error::RecvError;

/// What is still to be sent.
enum Rest {
    Everything(Caller, Option<Feed>),
    Live(Caller, Feed),
    Answer(Caller),
    Nothing,
}

/// Sends what happens in a run until it is over. Who reads too slowly misses some of the output while it comes, and is told
/// so; the outcome has all of it that is kept. A caller who hangs up drops this.
pub(super) fn stream(caller: Caller, feed: Option<Feed>) -> Response {
    let events = unfold(Rest::Everything(caller, feed), async |rest| {
        let (event, rest) = next(rest).await?;
        Some((Ok::<_, Infallible>(event), rest))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

async fn next(rest: Rest) -> Option<(Sent, Rest)> {
    match rest {
        Rest::Everything(caller, feed) => {
            let accepted = sent(&Event::Accepted(caller.execution().id.clone()));
            let rest = match feed {
                Some(feed) => Rest::Live(caller, feed),
                None => Rest::Answer(caller),
            };
            Some((accepted, rest))
        }
        Rest::Live(caller, mut feed) => match feed.recv().await {
            Ok(event) => Some((sent(&event), Rest::Live(caller, feed))),
            Err(RecvError::Lagged(missed)) => {
                let text = format!("{missed} events were not kept for so slow a reader; the outcome has all output");
                Some((Sent::default().comment(text), Rest::Live(caller, feed)))
            }
            Err(RecvError::Closed) => last(caller).await,
        },
        Rest::Answer(caller) => last(caller).await,
        Rest::Nothing => None,
    }
}

async fn last(caller: Caller) -> Option<(Sent, Rest)> {
    let answer: Answer = caller.execution().answer().await;
    let event = match &*answer {
        Ok(outcome) => Event::Ended(outcome.clone()),
        Err(problem) => Event::Failed(problem.clone()),
    };
    Some((sent(&event), Rest::Nothing))
}

/// An event with the name of its one member.
fn sent(event: &Event) -> Sent {
    let name = match event {
        Event::Accepted(_) => "accepted",
        Event::Reached(_) => "reached",
        Event::Stdout(_) => "stdout",
        Event::Stderr(_) => "stderr",
        Event::Ended(_) => "ended",
        Event::Failed(_) => "failed",
    };
    // JSON in one line: there is no line end that an event could not hold.
    Sent::default().event(name).data(serde_json::to_string(event).unwrap_or_default())
}
