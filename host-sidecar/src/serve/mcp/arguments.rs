//! The arguments of a call. Pure.

use super::{defaults, schema};
use crate::{
    execution::{Error, ErrorCode, File, Request},
    policy::Limits,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use cofferdam_contract::quoted;
use rmcp::model::JsonObject;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// The files that come back where a call does not say which.
pub(super) const DEFAULT_COLLECT: &str = "*";

/// Milliseconds of a second.
const SECOND: f64 = 1000.0;

/// A file to lay into the working directory: either text, or bytes as base64.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputFile {
    path: String,
    content: Option<String>,
    content_base64: Option<String>,
}

/// What a call asks for. The model that has written it reads what is wrong, so each message names the argument.
pub(super) fn request(arguments: JsonObject, limits: &Limits) -> Result<Request, Error> {
    let mut arguments = Arguments(arguments);
    let request = Request {
        code: arguments.take("code")?.ok_or_else(|| invalid("code is missing; give the source text of a program"))?,
        language: arguments.take("language")?,
        args: arguments.take("args")?.unwrap_or_default(),
        stdin: arguments.take::<String>("stdin")?.unwrap_or_default().into_bytes(),
        files: arguments
            .take::<Vec<InputFile>>("files")?
            .into_iter()
            .flatten()
            .map(InputFile::read)
            .collect::<Result<_, _>>()?,
        collect: arguments.take("collect")?.unwrap_or_else(|| vec![DEFAULT_COLLECT.into()]),
        limits: crate::execution::RequestedLimits {
            wall_time_ms: arguments.take("timeout_seconds")?.map(milliseconds).transpose()?,
            ..defaults::requested(limits)
        },
        network: arguments.take("network")?,
        ..Request::default()
    };
    match arguments.0.keys().next() {
        None => Ok(request),
        Some(unknown) => {
            let known = schema::ARGUMENTS.join(", ");
            Err(invalid(format!("there is no argument {}; there are: {known}", quoted(unknown))))
        }
    }
}

struct Arguments(JsonObject);

impl Arguments {
    /// Takes one out; null is as good as none.
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Error> {
        let value = self.0.remove(name).unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|error| invalid(format!("{name}: {error}")))
    }
}

impl InputFile {
    fn read(self) -> Result<File, Error> {
        let content = match (self.content, self.content_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(base64)) => BASE64_STANDARD.decode(base64).map_err(|error| {
                invalid(format!("files: the content_base64 of {} is no base64: {error}", quoted(&self.path)))
            })?,
            _ => {
                let path = quoted(&self.path);
                return Err(invalid(format!("files: {path} needs either content or content_base64, and not both")));
            }
        };
        Ok(File { path: self.path, content })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast that saturates is what is meant")]
fn milliseconds(seconds: f64) -> Result<u64, Error> {
    if seconds > 0.0 {
        // Rounded down to nothing, a short time would stand for the default.
        Ok((seconds * SECOND).ceil() as u64)
    } else {
        Err(invalid("timeout_seconds has to be more than 0"))
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Mcp, Settings};
    use serde_json::json;

    fn read(arguments: Value) -> Result<Request, String> {
        let policy = Settings::default().policy().expect("the defaults are a policy");
        let limits = defaults::limits(&policy, &Mcp::default());
        let Value::Object(arguments) = arguments else { panic!("{arguments} is no object") };
        request(arguments, &limits).map_err(|error| error.message)
    }

    #[test]
    fn code_alone_is_enough() {
        let request = read(json!({ "code": "1", "args": null })).expect("a request");
        assert_eq!((request.code.as_str(), request.language, request.collect), ("1", None, vec!["*".to_owned()]));
        assert_eq!((request.limits.wall_time_ms, request.limits.output_bytes), (None, Some(32 << 10)));
    }

    #[test]
    fn files_are_text_or_base64() {
        let files = json!([{ "path": "a", "content": "ä" }, { "path": "b", "content_base64": "/wA=" }]);
        let request = read(json!({ "code": "1", "files": files, "timeout_seconds": 0.0001 })).expect("a request");
        let contents: Vec<_> = request.files.into_iter().map(|file| file.content).collect();
        assert_eq!(contents, ["ä".as_bytes().to_vec(), vec![0xff, 0]]);
        assert_eq!(request.limits.wall_time_ms, Some(1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, part) in [
            (json!({}), "code is missing"),
            (json!({ "code": 5 }), "code: invalid type: integer"),
            (json!({ "code": "1", "args": "a" }), "args: invalid type: string"),
            (json!({ "code": "1", "timeout_seconds": "5" }), "timeout_seconds: invalid type"),
            (json!({ "code": "1", "timeout_seconds": 0 }), "timeout_seconds has to be more than 0"),
            (json!({ "code": "1", "timeout": 5 }), "no argument `timeout`; there are: code,"),
            (json!({ "code": "1", "files": [{ "content": "" }] }), "files: missing field `path`"),
            (json!({ "code": "1", "files": [{ "path": "a" }] }), "`a` needs either"),
            (json!({ "code": "1", "files": [{ "path": "a", "content_base64": "?" }] }), "`a` is no base64"),
            (json!({ "code": "1", "files": [{ "path": "a", "content": "", "mode": 1 }] }), "unknown field `mode`"),
        ] {
            let message = read(arguments.clone()).expect_err("refused");
            assert!(message.contains(part), "{arguments}: {message}");
        }
    }
}
