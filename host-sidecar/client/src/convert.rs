//! Conversions between the types of the HTTP API and of the core. They decide nothing.

use super::error::ClientError;
use cofferdam_http_api::{Bytes, Outcome, Output};
use cofferdam_types::{Capture, FILE_MODE, File, Report, Request, Timings};
use std::{collections::BTreeMap, time::Duration};

pub(super) fn request(request: Request) -> Result<cofferdam_http_api::Request, ClientError> {
    let files = request.files.into_iter();
    Ok(cofferdam_http_api::Request {
        code: request.code,
        language: request.language,
        args: request.args,
        env: map("an environment variable", request.env)?,
        stdin: Some(Bytes(request.stdin)).filter(|stdin| !stdin.0.is_empty()),
        files: files.map(Into::into).collect(),
        collect: request.collect,
        limits: request.limits,
        network: request.network,
        image: request.image,
        labels: map("a label", request.labels)?,
    })
}

/// Fails if two pairs have the same name: a map would lose one of them.
fn map(what: &'static str, pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, ClientError> {
    let count = pairs.len();
    let map: BTreeMap<_, _> = pairs.into_iter().collect();
    if map.len() == count { Ok(map) } else { Err(ClientError::Duplicate(what)) }
}

pub(super) fn report(outcome: Outcome) -> Report {
    let timings = outcome.timings_ms;
    let modes: BTreeMap<_, _> = outcome.modes.0.into_iter().collect();
    let mode = |path: &str| modes.get(path).map_or(FILE_MODE, |mode| mode.0);
    Report {
        id: outcome.id,
        status: outcome.status,
        stdout: capture(outcome.stdout),
        stderr: capture(outcome.stderr),
        files: outcome
            .files
            .into_iter()
            .map(|file| File { mode: mode(&file.path), path: file.path, content: file.content.0 })
            .collect(),
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
