//! Between the API's types and ours. Nothing is decided here.

use crate::execution::{self, Report, Request};
use cofferdam_http_api::{Bytes, ErrorCode, File, Outcome, Output, SkippedFile, Status, Timings};
use std::time::Duration;

pub(super) fn request(request: cofferdam_http_api::Request) -> Request {
    Request {
        code: request.code,
        language: request.language,
        args: request.args,
        env: request.env.into_iter().collect(),
        stdin: request.stdin.unwrap_or_default().0,
        files: request
            .files
            .into_iter()
            .map(|file| execution::File { path: file.path, content: file.content.0 })
            .collect(),
        collect: request.collect,
        limits: request.limits,
        network: request.network,
        labels: request.labels.into_iter().collect(),
    }
}

pub(super) fn outcome(report: Report) -> Outcome {
    Outcome {
        id: report.id,
        status: status(report.status),
        stdout: output(report.stdout),
        stderr: output(report.stderr),
        files: report.files.into_iter().map(|file| File { path: file.path, content: Bytes(file.content) }).collect(),
        skipped: report.skipped.into_iter().map(|file| SkippedFile { path: file.path, reason: file.reason }).collect(),
        timings_ms: timings(report.timings),
        warm: report.warm,
    }
}

fn status(status: execution::Status) -> Status {
    match status {
        execution::Status::Exited(code) => Status::Exited(code),
        execution::Status::Killed(signal) => Status::Killed(signal),
        execution::Status::TimedOut => Status::TimedOut,
        execution::Status::OutOfMemory => Status::OutOfMemory,
        execution::Status::OutOfDisk(code) => Status::OutOfDisk(code),
        execution::Status::OutOfProcesses => Status::OutOfProcesses,
        execution::Status::Cancelled => Status::Cancelled,
    }
}

fn output(execution::Capture { bytes, length, cut }: execution::Capture) -> Output {
    Output { content: Bytes(bytes), length, cut }
}

fn timings(timings: execution::Timings) -> Timings {
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

pub(super) fn code(code: execution::ErrorCode) -> ErrorCode {
    match code {
        execution::ErrorCode::InvalidRequest => ErrorCode::InvalidRequest,
        execution::ErrorCode::TooLarge => ErrorCode::TooLarge,
        execution::ErrorCode::Denied => ErrorCode::Denied,
        execution::ErrorCode::Unauthorised => ErrorCode::Unauthorised,
        execution::ErrorCode::Quota => ErrorCode::Quota,
        execution::ErrorCode::Overloaded => ErrorCode::Overloaded,
        execution::ErrorCode::Unschedulable => ErrorCode::Unschedulable,
        execution::ErrorCode::ImageUnavailable => ErrorCode::ImageUnavailable,
        execution::ErrorCode::SandboxUnavailable => ErrorCode::SandboxUnavailable,
        execution::ErrorCode::StartupTimeout => ErrorCode::StartupTimeout,
        execution::ErrorCode::Evicted => ErrorCode::Evicted,
        execution::ErrorCode::Cancelled => ErrorCode::Cancelled,
        execution::ErrorCode::Unreachable => ErrorCode::Unreachable,
        execution::ErrorCode::Internal => ErrorCode::Internal,
    }
}
