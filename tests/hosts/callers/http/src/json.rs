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
    Ok(Request {
        code: text(&json["code"])?,
        language: optional(&json["language"], text)?,
        args: list(&json["args"], text)?,
        env: list(&json["env"], |item| {
            Ok(Variable { name: text(&item["name"])?, value: text(&item["value"])? })
        })?,
        stdin: optional(&json["stdin"], bytes)?,
        files: list(&json["files"], |item| {
            Ok(File { path: text(&item["path"])?, content: bytes(&item["content"])? })
        })?,
        collect: list(&json["collect"], text)?,
        limits: optional(&json["limits"], limits)?,
        network: optional(&json["network"], text)?,
        labels: list(&json["labels"], |item| {
            Ok(Label { key: text(&item["key"])?, value: text(&item["value"])? })
        })?,
    })
}

fn limits(json: &Value) -> Result<Limits, String> {
    Ok(Limits {
        wall_time_ms: optional(&json["wall-time-ms"], number)?,
        startup_time_ms: optional(&json["startup-time-ms"], number)?,
        cpu_millis: optional(&json["cpu-millis"], number)?,
        memory_bytes: optional(&json["memory-bytes"], number)?,
        disk_bytes: optional(&json["disk-bytes"], number)?,
        processes: optional(&json["processes"], number)?,
        output_bytes: optional(&json["output-bytes"], number)?,
        collected_files: optional(&json["collected-files"], number)?,
        collected_bytes: optional(&json["collected-bytes"], number)?,
    })
}

fn text(json: &Value) -> Result<String, String> {
    json.as_str().map(str::to_owned).ok_or_else(|| format!("{json} is not a text"))
}

fn number<T: TryFrom<u64>>(json: &Value) -> Result<T, String> {
    json.as_u64().and_then(|number| number.try_into().ok()).ok_or_else(|| format!("{json} is not in range"))
}

fn bytes(json: &Value) -> Result<Vec<u8>, String> {
    BASE64_STANDARD.decode(text(&json["base64"])?).map_err(|error| error.to_string())
}

fn optional<T>(json: &Value, item: impl Fn(&Value) -> Result<T, String>) -> Result<Option<T>, String> {
    if json.is_null() { Ok(None) } else { item(json).map(Some) }
}

fn list<T>(json: &Value, item: impl Fn(&Value) -> Result<T, String>) -> Result<Option<Vec<T>>, String> {
    optional(json, |json| {
        json.as_array().ok_or_else(|| format!("{json} is not a list"))?.iter().map(&item).collect()
    })
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
