//! Converts the contract's request to that of the HTTP API.

use crate::error::BridgeError;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use cofferdam_http_api::{Bytes, InputFile};
use http_bridge_bindings::exports::cofferdam::code_executor::types::Request;

/// Converts a request.
pub(crate) fn to_api(request: Request) -> Result<cofferdam_http_api::Request, BridgeError> {
    let env = request.env.into_iter().flatten().map(|variable| (variable.name, variable.value));
    let labels = request.labels.into_iter().flatten().map(|label| (label.key, label.value));
    let files = request.files.into_iter().flatten();
    Ok(cofferdam_http_api::Request {
        code: request.code,
        language: request.language,
        args: request.args.unwrap_or_default(),
        env: unique("an environment variable", env)?,
        stdin: request.stdin.map(Bytes),
        files: files
            .map(|file| InputFile { path: file.path, mode: None, content: Bytes(file.content) })
            .collect(),
        collect: request.collect.unwrap_or_default(),
        limits: request.limits.map(|limits| cofferdam_types::requested_limits!(limits)).unwrap_or_default(),
        network: request.network,
        // The contract has none.
        image: None,
        labels: unique("a label", labels)?,
    })
}

/// A JSON object holds each name once. A duplicate is an error, since one of the values would be lost.
fn unique(
    what: &'static str,
    pairs: impl Iterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, BridgeError> {
    let pairs: Vec<_> = pairs.collect();
    let count = pairs.len();
    let map: BTreeMap<_, _> = pairs.into_iter().collect();
    if map.len() == count { Ok(map) } else { Err(BridgeError::Duplicate(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_bridge_bindings::exports::cofferdam::code_executor::types::{File, Label, Limits, Variable};

    fn request() -> Request {
        Request {
            code: "print(1)".into(),
            language: None,
            args: None,
            env: None,
            stdin: None,
            files: None,
            collect: None,
            limits: None,
            network: None,
            labels: None,
        }
    }

    #[test]
    fn every_field_is_converted() {
        let request = Request {
            code: "c".into(),
            language: Some("bash".into()),
            args: Some(vec!["a".into()]),
            env: Some(vec![Variable { name: "E".into(), value: "v".into() }]),
            stdin: Some(vec![0xff]),
            files: Some(vec![File { path: "f".into(), content: b"text".to_vec() }]),
            collect: Some(vec!["*".into()]),
            limits: Some(Limits {
                wall_time_ms: Some(1),
                startup_time_ms: Some(2),
                cpu_millis: Some(3),
                memory_bytes: Some(4),
                disk_bytes: Some(5),
                processes: Some(6),
                output_bytes: Some(7),
                collected_files: Some(8),
                collected_bytes: Some(9),
            }),
            network: Some("none".into()),
            labels: Some(vec![Label { key: "user".into(), value: "u".into() }]),
        };
        let json = serde_json::to_string(&to_api(request).expect("a request")).expect("JSON");
        assert_eq!(
            json,
            concat!(
                r#"{"code":"c","language":"bash","args":["a"],"env":{"E":"v"},"stdin":{"base64":"/w=="},"#,
                r#""files":[{"path":"f","content":"text"}],"collect":["*"],"limits":{"wall_time_ms":1,"#,
                r#""startup_time_ms":2,"cpu_millis":3,"memory_bytes":4,"disk_bytes":5,"processes":6,"output_bytes":7,"#,
                r#""collected_files":8,"collected_bytes":9},"network":"none","labels":{"user":"u"}}"#
            )
        );
    }

    #[test]
    fn duplicate_variables_and_labels_are_rejected() {
        let variable = |value: &str| Variable { name: "A".into(), value: value.into() };
        let twice = Request { env: Some(vec![variable("1"), variable("2")]), ..request() };
        assert_eq!(to_api(twice), Err(BridgeError::Duplicate("an environment variable")));
        let label = |value: &str| Label { key: "a".into(), value: value.into() };
        let twice = Request { labels: Some(vec![label("1"), label("2")]), ..request() };
        assert_eq!(to_api(twice), Err(BridgeError::Duplicate("a label")));
    }
}
