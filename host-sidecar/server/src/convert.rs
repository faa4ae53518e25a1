//! Conversions between the types of the HTTP API and of the core. They decide nothing.

use cofferdam_http_api::{Bytes, File, Outcome, Output, Timings};
use cofferdam_types::{Report, Request};
use std::time::Duration;

pub(crate) fn request(request: cofferdam_http_api::Request) -> Request {
    Request {
        code: request.code,
        language: request.language,
        args: request.args,
        env: request.env.into_iter().collect(),
        stdin: request.stdin.unwrap_or_default().0,
        files: request
            .files
            .into_iter()
            .map(|file| cofferdam_types::File { path: file.path, content: file.content.0 })
            .collect(),
        collect: request.collect,
        limits: request.limits,
        network: request.network,
        labels: request.labels.into_iter().collect(),
    }
}

pub(crate) fn outcome(report: Report) -> Outcome {
    Outcome {
        id: report.id,
        status: report.status,
        stdout: output(report.stdout),
        stderr: output(report.stderr),
        files: report.files.into_iter().map(|file| File { path: file.path, content: Bytes(file.content) }).collect(),
        skipped: report.skipped,
        timings_ms: timings(report.timings),
        warm: report.warm,
    }
}

fn output(cofferdam_types::Capture { bytes, length, cut }: cofferdam_types::Capture) -> Output {
    Output { content: Bytes(bytes), length, cut }
}

fn timings(timings: cofferdam_types::Timings) -> Timings {
    Timings {
        queued: timings.queued.map(milliseconds),
        scheduled: timings.scheduled.map(milliseconds),
        pulled: timings.pulled.map(milliseconds),
        started: timings.started.map(milliseconds),
        finished: timings.finished.map(milliseconds),
        answered: milliseconds(timings.answered),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
