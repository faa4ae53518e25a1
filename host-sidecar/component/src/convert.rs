//! Converts between the generated types of the contract and the types of `cofferdam-types`.

use super::bindings::cofferdam::code_executor::{sandbox, types};
use cofferdam_types::{
    Capture, Error, ErrorCode, File, Report, Request, SkippedFile, Status, Timings, milliseconds,
};

pub(super) fn request(request: types::Request) -> Request {
    Request {
        code: request.code,
        language: request.language,
        args: request.args.unwrap_or_default(),
        env: request.env.into_iter().flatten().map(|variable| (variable.name, variable.value)).collect(),
        stdin: request.stdin.unwrap_or_default(),
        files: request.files.into_iter().flatten().map(|file| File::new(file.path, file.content)).collect(),
        collect: request.collect.unwrap_or_default(),
        limits: request.limits.map(|limits| cofferdam_types::requested_limits!(limits)).unwrap_or_default(),
        network: request.network,
        // The contract has none.
        image: None,
        labels: request.labels.into_iter().flatten().map(|label| (label.key, label.value)).collect(),
    }
}

pub(super) fn report(report: Report) -> sandbox::Report {
    sandbox::Report {
        id: report.id,
        status: status(report.status),
        stdout: capture(report.stdout),
        stderr: capture(report.stderr),
        files: report
            .files
            .into_iter()
            .map(|file| types::File { path: file.path, content: file.content })
            .collect(),
        skipped: report
            .skipped
            .into_iter()
            .map(|SkippedFile { path, reason }| types::SkippedFile { path, reason })
            .collect(),
        timings: timings(report.timings),
        warm: report.warm,
    }
}

fn status(status: Status) -> types::Status {
    match status {
        Status::Exited(code) => types::Status::Exited(code),
        Status::Killed(signal) => types::Status::Killed(signal),
        Status::TimedOut => types::Status::TimedOut,
        Status::OutOfMemory => types::Status::OutOfMemory,
        Status::OutOfDisk(code) => types::Status::OutOfDisk(code),
        Status::OutOfProcesses => types::Status::OutOfProcesses,
        Status::Cancelled => types::Status::Cancelled,
    }
}

fn capture(Capture { bytes, length, cut }: Capture) -> sandbox::Capture {
    sandbox::Capture { bytes, length, cut }
}

fn timings(timings: Timings) -> types::Timings {
    types::Timings {
        queued: timings.queued.map(milliseconds),
        scheduled: timings.scheduled.map(milliseconds),
        pulled: timings.pulled.map(milliseconds),
        started: timings.started.map(milliseconds),
        finished: timings.finished.map(milliseconds),
        answered: milliseconds(timings.answered),
    }
}

/// The operator's detail is not part of the contract: the guest does not receive it.
pub(super) fn error(error: Error) -> types::Error {
    types::Error {
        id: error.id,
        code: match error.code {
            ErrorCode::InvalidRequest => types::ErrorCode::InvalidRequest,
            ErrorCode::TooLarge => types::ErrorCode::TooLarge,
            ErrorCode::Denied => types::ErrorCode::Denied,
            ErrorCode::Unauthorised => types::ErrorCode::Unauthorised,
            ErrorCode::Quota => types::ErrorCode::Quota,
            ErrorCode::Overloaded => types::ErrorCode::Overloaded,
            ErrorCode::Unschedulable => types::ErrorCode::Unschedulable,
            ErrorCode::ImageUnavailable => types::ErrorCode::ImageUnavailable,
            ErrorCode::SandboxUnavailable => types::ErrorCode::SandboxUnavailable,
            ErrorCode::StartupTimeout => types::ErrorCode::StartupTimeout,
            ErrorCode::Evicted => types::ErrorCode::Evicted,
            ErrorCode::Cancelled => types::ErrorCode::Cancelled,
            ErrorCode::Unreachable => types::ErrorCode::Unreachable,
            // The contract has no sessions, and so none of their errors.
            ErrorCode::Internal | ErrorCode::NotFound | ErrorCode::Conflict | ErrorCode::Gone => {
                types::ErrorCode::Internal
            }
        },
        message: error.message,
        retryable: error.retryable,
    }
}
