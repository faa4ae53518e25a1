//! Requests and results as JSON with the contract's names. Bytes are `{"base64": "…"}`.

use crate::conformance::{ContractError, Failure, Outcome};
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_component::types::{Limits, Request};
use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes as JSON.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    json!({ "base64": BASE64_STANDARD.encode(bytes) })
}

/// A request as JSON.
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
enum ExecuteResult {
    Ok(Outcome),
    Err(ContractError),
}

/// Parses the result of `execute`.
pub(super) fn result(result: Value) -> Result<Result<Outcome, ContractError>, Failure> {
    Ok(match serde_json::from_value(result)? {
        ExecuteResult::Ok(outcome) => Ok(outcome),
        ExecuteResult::Err(error) => Err(error),
    })
}
