//! Between our types and those of the API, seen from its caller. Nothing is decided here.

use super::failure::Failure;
use cofferdam_http_api::{Bytes, Outcome, Output, Problem};
use cofferdam_types::{Capture, Error, Report, Request, Timings};
use std::{collections::BTreeMap, time::Duration};

pub(super) fn request(request: Request) -> Result<cofferdam_http_api::Request, Failure> {
    let files = request.files.into_iter();
    Ok(cofferdam_http_api::Request {
        code: request.code,
        language: request.language,
        args: request.args,
        env: map("an environment variable", request.env)?,
        stdin: Some(Bytes(request.stdin)).filter(|stdin| !stdin.0.is_empty()),
        files: files.map(|file| cofferdam_http_api::File { path: file.path, content: Bytes(file.content) }).collect(),
        collect: request.collect,
        limits: request.limits,
        network: request.network,
        labels: map("a label", request.labels)?,
    })
}

/// One of two that have the same name would be lost.
fn map(what: &'static str, pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Failure> {
    let count = pairs.len();
    let map: BTreeMap<_, _> = pairs.into_iter().collect();
    if map.len() == count { Ok(map) } else { Err(Failure::Twice(what)) }
}

pub(super) fn report(outcome: Outcome) -> Report {
    let timings = outcome.timings_ms;
    let files = outcome.files.into_iter();
    Report {
        id: outcome.id,
        status: outcome.status,
        stdout: capture(outcome.stdout),
        stderr: capture(outcome.stderr),
        files: files.map(|file| cofferdam_types::File { path: file.path, content: file.content.0 }).collect(),
        skipped: outcome.skipped,
        timings: Timings {
            queued: timings.queued.map(Duration::from_millis),
            scheduled: timings.scheduled.map(Duration::from_millis),
            pulled: timings.pulled.map(Duration::from_millis),
            started: timings.started.map(Duration::from_millis),
            finished: timings.finished.map(Duration::from_millis),
            answered: Duration::from_millis(timings.answered),
        },
        warm: outcome.warm,
    }
}

fn capture(Output { content, length, cut }: Output) -> Capture {
    Capture { bytes: content.0, length, cut }
}

pub(super) fn error(problem: Problem) -> Error {
    let error = Error::new(problem.code, problem.detail);
    Error { id: problem.id, retryable: problem.retryable, ..error }
}
