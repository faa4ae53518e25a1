//! What `--json` prints: the outcome or the error, in the contract's words.

use super::exit;
use crate::component::{
    code_executor::{Outcome, Output},
    types::{Error, ErrorCode, Status, Timings},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// An outcome. Bytes are base64; the content of files is left out where they were written to a folder.
pub(super) fn outcome(outcome: &Outcome, signal: Option<i32>, with_content: bool) -> Value {
    let files = outcome.files.iter().map(|file| {
        let mut value = json!({ "path": file.path, "size": file.content.len() });
        if with_content {
            value["content_base64"] = BASE64_STANDARD.encode(&file.content).into();
        }
        value
    });
    let skipped = outcome.skipped.iter().map(|file| json!({ "path": file.path, "reason": file.reason }));
    json!({
        "id": outcome.id,
        "status": status(&outcome.status),
        "exit_code": exit::code(&outcome.status, signal),
        "stdout": output(&outcome.stdout),
        "stderr": output(&outcome.stderr),
        "files": files.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "timings_ms": timings(&outcome.timings),
        "warm": outcome.warm,
    })
}

/// An error.
pub(super) fn error(error: &Error) -> Value {
    json!({ "error": {
        "id": error.id,
        "code": code(error.code),
        "message": error.message,
        "retryable": error.retryable,
    }})
}

fn status(status: &Status) -> Value {
    match status {
        Status::Exited(code) => json!({ "exited": code }),
        Status::Killed(signal) => json!({ "killed": signal }),
        Status::TimedOut => json!("timed-out"),
        Status::OutOfMemory => json!("out-of-memory"),
        Status::OutOfDisk(code) => json!({ "out-of-disk": code }),
        Status::OutOfProcesses => json!("out-of-processes"),
        Status::Cancelled => json!("cancelled"),
    }
}

fn output(output: &Output) -> Value {
    json!({
        "text": output.text,
        "bytes_base64": output.bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)),
        "length": output.length,
        "cut": output.cut,
    })
}

fn timings(timings: &Timings) -> Value {
    json!({
        "queued": timings.queued,
        "scheduled": timings.scheduled,
        "pulled": timings.pulled,
        "started": timings.started,
        "finished": timings.finished,
        "answered": timings.answered,
    })
}

fn code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidRequest => "invalid-request",
        ErrorCode::TooLarge => "too-large",
        ErrorCode::Denied => "denied",
        ErrorCode::Unauthorised => "unauthorised",
        ErrorCode::Quota => "quota",
        ErrorCode::Overloaded => "overloaded",
        ErrorCode::Unschedulable => "unschedulable",
        ErrorCode::ImageUnavailable => "image-unavailable",
        ErrorCode::SandboxUnavailable => "sandbox-unavailable",
        ErrorCode::StartupTimeout => "startup-timeout",
        ErrorCode::Evicted => "evicted",
        ErrorCode::Cancelled => "cancelled",
        ErrorCode::Unreachable => "unreachable",
        ErrorCode::Internal => "internal",
    }
}
