//! The schemas of the tool's arguments and of its structured result. Pure.

use super::arguments::DEFAULT_COLLECT;
use cofferdam_core::policy::{Limits, Policy};
use cofferdam_types::validation::{DEFAULT_LANGUAGE, DEFAULT_NETWORK};
use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// The names of all arguments.
pub(super) const ARGUMENTS: [&str; 9] =
    ["code", "language", "args", "env", "stdin", "files", "collect", "timeout_seconds", "network"];

/// What a call may say.
pub(super) fn input(policy: &Policy, limits: &Limits) -> JsonObject {
    let languages: Vec<_> = policy.languages.keys().collect();
    let mut properties = json!({
        "code": {
            "type": "string",
            "description": "Source text of the whole program, at most 1 MiB.",
        },
        "language": {
            "type": "string",
            "enum": languages,
            "default": DEFAULT_LANGUAGE,
            "description": "Language of the program.",
        },
        "args": {
            "type": "array",
            "items": { "type": "string" },
            "default": [],
            "description": "Command-line arguments of the program.",
        },
        "env": {
            "type": "object",
            "additionalProperties": { "type": "string" },
            "default": {},
            "description": "Environment variables of the program.",
        },
        "stdin": {
            "type": "string",
            "default": "",
            "description": "Text for the program's standard input.",
        },
        "files": {
            "type": "array",
            "default": [],
            "description": "Files laid into the working directory before the program starts, at most 8 MiB in all.",
            "items": {
                "type": "object",
                "properties": {
                    "path": {
                        "type": "string",
                        "description": "Path relative to the working directory, such as data/sales.csv.",
                    },
                    "content": { "type": "string", "description": "Content, where it is text." },
                    "content_base64": {
                        "type": "string",
                        "description": "Content as base64, where it is not text. Give this or content, not both.",
                    },
                },
                "required": ["path"],
                "additionalProperties": false,
            },
        },
        "collect": {
            "type": "array",
            "items": { "type": "string" },
            "default": [DEFAULT_COLLECT],
            "description": "Glob patterns, relative to the working directory, of the files to bring back: * and ? stay \
                within one part of a path, ** spans several (out/**/*.csv). An empty list brings none.",
        },
        "timeout_seconds": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": policy.ceilings.wall_time.as_secs_f64(),
            "default": limits.wall_time.as_secs_f64(),
            "description": "Seconds that the program may run before it is killed.",
        },
    });
    if !policy.networks.is_empty() {
        let networks: Vec<_> =
            [DEFAULT_NETWORK].into_iter().chain(policy.networks.iter().map(String::as_str)).collect();
        properties["network"] = json!({
            "type": "string",
            "enum": networks,
            "default": DEFAULT_NETWORK,
            "description": "Network that the program gets.",
        });
    }
    object(json!({
        "type": "object",
        "properties": properties,
        "required": ["code"],
        "additionalProperties": false,
    }))
}

/// What a result says. Only the status is there in any case: without a run there are no streams.
pub(super) fn output() -> JsonObject {
    let stream = |name: &str| {
        json!({
            "type": "object",
            "description": format!("What the program wrote to its standard {name}."),
            "properties": {
                "text": {
                    "type": "string",
                    "description": "The text; a cut is a line of its own, and bytes that are not UTF-8 are U+FFFD.",
                },
                "length": { "type": "integer", "description": "Bytes that the program wrote." },
                "cut": { "type": "boolean", "description": "Whether its middle was cut out." },
            },
            "required": ["text", "length", "cut"],
        })
    };
    object(json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "description": "Names the run in the operator's log." },
            "status": {
                "type": "string",
                "enum": STATUSES,
                "description": "How the program ended; exited says nothing of success, exit_code does. With error it was not \
                    run, or its result is not known.",
            },
            "exit_code": { "type": "integer", "description": "With exited and out-of-disk; 0 is success." },
            "signal": { "type": "integer", "description": "With killed: the signal." },
            "stdout": stream("output"),
            "stderr": stream("error"),
            "files": {
                "type": "array",
                "description": "The files brought back, in the order of the content blocks after the first.",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": { "type": "string" },
                        "size": { "type": "integer", "description": "Bytes." },
                        "mime_type": { "type": "string" },
                    },
                    "required": ["path", "size", "mime_type"],
                },
            },
            "skipped": {
                "type": "array",
                "description": "Files that a pattern named and that were not brought back.",
                "items": {
                    "type": "object",
                    "properties": { "path": { "type": "string" }, "reason": { "type": "string" } },
                    "required": ["path", "reason"],
                },
            },
            "timings_ms": {
                "type": "object",
                "description": "Milliseconds from the call to the end of each phase.",
                "additionalProperties": { "type": "integer" },
            },
            "error": {
                "type": "object",
                "description": "With error: why.",
                "properties": {
                    "code": { "type": "string" },
                    "message": { "type": "string" },
                    "retryable": {
                        "type": "boolean",
                        "description": "The program did not start, and the same call may succeed later.",
                    },
                },
                "required": ["code", "message", "retryable"],
            },
        },
        "required": ["status"],
    }))
}

/// The contract's, and one for what gave no outcome.
const STATUSES: [&str; 8] =
    ["exited", "killed", "timed-out", "out-of-memory", "out-of-disk", "out-of-processes", "cancelled", "error"];

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::McpConfig;

    fn properties(networks: &[&str]) -> JsonObject {
        let networks = networks.iter().map(ToString::to_string).collect();
        let policy = Policy { networks, ..Policy::default() };
        let limits = super::super::defaults::limits(&policy, &McpConfig::default());
        let Value::Object(properties) = input(&policy, &limits)["properties"].clone() else { panic!("no object") };
        properties
    }

    #[test]
    fn every_argument_is_described() {
        let (mut described, mut known) = (properties(&["web"]), ARGUMENTS.to_vec());
        known.sort_unstable();
        assert_eq!(described.keys().collect::<Vec<_>>(), known);
        assert!(described.values().all(|property| property["description"].is_string()));
        described.remove("network");
        assert_eq!(properties(&[]), described);
    }

    #[test]
    fn a_bound_is_that_of_the_settings() {
        let timeout = &properties(&[])["timeout_seconds"];
        assert_eq!((timeout["default"].as_f64(), timeout["maximum"].as_f64()), (Some(300.0), Some(3600.0)));
    }
}
