//! A request and an answer as JSON in the contract's own names, in which bytes are `{"base64": "…"}`.

use crate::conformance::{Failure, Outcome, Refusal};
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_component::types::{Limits, Request};
use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    json!({ "base64": BASE64_STANDARD.encode(bytes) })
}

/// A request with all its parts.
pub(super) fn request(request: &Request) -> Value {
    let files = request.files.iter().flatten();
    let env = request.env.iter().flatten();
    let labels = request.labels.iter().flatten();
    json!({
        "code": request.code,
        "language": request.language,
        "args": request.args,
        "env": env.map(|variable| json!({ "name": variable.name, "value": variable.value })).collect::<Vec<_>>(),
        "stdin": request.stdin.as_deref().map(bytes),
        "files": files.map(|file| json!({ "path": file.path, "content": bytes(&file.content) })).collect::<Vec<_>>(),
        "collect": request.collect,
        "limits": request.limits.as_ref().map(limits),
        "network": request.network,
        "labels": labels.map(|label| json!({ "key": label.key, "value": label.value })).collect::<Vec<_>>(),
    })
}

fn limits(limits: &Limits) -> Value {
    json!({
        "wall-time-ms": limits.wall_time_ms,
        "startup-time-ms": limits.startup_time_ms,
        "cpu-millis": limits.cpu_millis,
        "memory-bytes": limits.memory_bytes,
        "disk-bytes": limits.disk_bytes,
        "processes": limits.processes,
        "output-bytes": limits.output_bytes,
        "collected-files": limits.collected_files,
        "collected-bytes": limits.collected_bytes,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Ok(Outcome),
    Err(Refusal),
}

/// What `execute` gave.
pub(super) fn answer(answer: Value) -> Result<Result<Outcome, Refusal>, Failure> {
    Ok(match serde_json::from_value(answer)? {
        Answer::Ok(outcome) => Ok(outcome),
        Answer::Err(error) => Err(error),
    })
}
