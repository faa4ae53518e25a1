//! What `--json` prints: the outcome or the error, in the contract's words.

use super::exit;
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_rendering::{Decoded, decode};
use cofferdam_types::{Capture, Error, Report, Timings};
use serde_json::{Value, json};
use std::time::Duration;

/// An report. Bytes are base64; the content of files is left out where they were written to a folder.
pub(super) fn outcome(report: &Report, signal: Option<i32>, with_content: bool) -> Value {
    let files = report.files.iter().map(|file| {
        let mut value = json!({ "path": file.path, "size": file.content.len() });
        if with_content {
            value["content_base64"] = BASE64_STANDARD.encode(&file.content).into();
        }
        value
    });
    let skipped = report.skipped.iter().map(|file| json!({ "path": file.path, "reason": file.reason }));
    json!({
        "id": report.id,
        "status": report.status,
        "exit_code": exit::code(report.status, signal),
        "stdout": output(&report.stdout),
        "stderr": output(&report.stderr),
        "files": files.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "timings_ms": timings(&report.timings),
        "warm": report.warm,
    })
}

/// An error.
pub(super) fn error(error: &Error) -> Value {
    json!({ "error": {
        "id": error.id,
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
    }})
}

fn output(capture: &Capture) -> Value {
    let Decoded { text, bytes } = decode(capture.bytes.clone(), capture.length, capture.cut);
    json!({
        "text": text,
        "bytes_base64": bytes.map(|bytes| BASE64_STANDARD.encode(bytes)),
        "length": capture.length,
        "cut": capture.cut,
    })
}

fn timings(timings: &Timings) -> Value {
    json!({
        "queued": timings.queued.map(milliseconds),
        "scheduled": timings.scheduled.map(milliseconds),
        "pulled": timings.pulled.map(milliseconds),
        "started": timings.started.map(milliseconds),
        "finished": timings.finished.map(milliseconds),
        "answered": milliseconds(timings.answered),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
