//! Conversion between JSON and the contract's types.

use crate::bindings::cofferdam::code_executor::{
    code_executor::{Outcome, Output},
    types::{Error, File, Label, Limits, Request, Status, Variable},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// Parses a request. `base64` in an object marks bytes.
pub(crate) fn request(body: &[u8]) -> Result<Request, String> {
    let json: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let limits = &json["limits"];
    let u64 = |name| limits[name].as_u64();
    let u32 = |name| limits[name].as_u64().and_then(|number| number.try_into().ok());
    Ok(Request {
        code: text(&json["code"]),
        language: optional(&json["language"]),
        args: list(&json["args"], text),
        env: list(&json["env"], |item| Variable { name: text(&item["name"]), value: text(&item["value"]) }),
        stdin: json["stdin"].is_object().then(|| bytes(&json["stdin"])),
        files: list(&json["files"], |item| File {
            path: text(&item["path"]),
            content: bytes(&item["content"]),
        }),
        collect: list(&json["collect"], text),
        limits: limits.is_object().then(|| Limits {
            wall_time_ms: u64("wall-time-ms"),
            startup_time_ms: u64("startup-time-ms"),
            cpu_millis: u32("cpu-millis"),
            memory_bytes: u64("memory-bytes"),
            disk_bytes: u64("disk-bytes"),
            processes: u32("processes"),
            output_bytes: u64("output-bytes"),
            collected_files: u32("collected-files"),
            collected_bytes: u64("collected-bytes"),
        }),
        network: optional(&json["network"]),
        labels: list(&json["labels"], |item| Label { key: text(&item["key"]), value: text(&item["value"]) }),
    })
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn optional(json: &Value) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn list<T>(json: &Value, item: impl Fn(&Value) -> T) -> Option<Vec<T>> {
    Some(json.as_array()?.iter().map(item).collect())
}

fn bytes(json: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(json["base64"].as_str().unwrap_or_default()).unwrap_or_default()
}

/// The result of `execute`.
pub(crate) fn result(result: Result<Outcome, Error>) -> Value {
    match result {
        Ok(outcome) => json!({ "ok": {
            "id": outcome.id,
            "status": status(outcome.status),
            "stdout": output(&outcome.stdout),
            "stderr": output(&outcome.stderr),
            "files": outcome.files.iter().map(file).collect::<Vec<_>>(),
            "skipped": outcome.skipped.iter().map(|file| json!({ "path": file.path })).collect::<Vec<_>>(),
            "warm": outcome.warm,
        } }),
        Err(error) => json!({ "err": {
            "code": kebab_case(&format!("{:?}", error.code)),
            "message": error.message,
            "retryable": error.retryable,
        } }),
    }
}

fn status(status: Status) -> Value {
    match status {
        Status::Exited(code) => json!({ "exited": code }),
        Status::Killed(signal) => json!({ "killed": signal }),
        Status::TimedOut => "timed-out".into(),
        Status::OutOfMemory => "out-of-memory".into(),
        Status::OutOfDisk(code) => json!({ "out-of-disk": code }),
        Status::OutOfProcesses => "out-of-processes".into(),
        Status::Cancelled => "cancelled".into(),
    }
}

fn output(output: &Output) -> Value {
    json!({ "text": output.text, "bytes": output.bytes.as_deref().map(encoded), "length": output.length, "cut": output.cut })
}

fn file(file: &File) -> Value {
    json!({ "path": file.path, "content": encoded(&file.content) })
}

fn encoded(bytes: &[u8]) -> Value {
    json!({ "base64": BASE64_STANDARD.encode(bytes) })
}

/// The contract's spelling of an error code, whose `Debug` form is `ErrorCode::InvalidRequest`.
fn kebab_case(debug: &str) -> String {
    let mut name = String::new();
    for character in debug.rsplit(':').next().unwrap_or_default().chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(character.to_lowercase());
    }
    name
}
