//! The arguments of a call. Pure.

use super::{
    envelope::{ARGUMENTS, PARAMS},
    reader::Name,
    schema,
};
use cofferdam_http_api::{
    BoundedBase64,
    bounded::{BoundedString, is_too_large},
    object::{Object, ObjectSeed, Optional, optional},
    request::{ARGS, COLLECT, ENV, files},
};
use cofferdam_types::{Error, ErrorCode, File, Request, RequestedLimits};
use cofferdam_types::{
    quoted, shortened,
    validation::{MAX_CODE, MAX_INPUT, MAX_NAME, MAX_PATH},
};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Unexpected, Visitor};
use std::{collections::BTreeMap, fmt};

/// The files that come back where a call does not say which.
pub(super) const DEFAULT_COLLECT: &str = "*";

/// Milliseconds of a second.
const SECOND: f64 = 1000.0;

/// Reads the arguments of a message that is a call. The model that has written them reads what is wrong, so each message names the
/// argument. Bounds but that of time are not a call's to ask for.
pub(super) fn read(message: &[u8]) -> Result<Request, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(message);
    let arguments = Within(&[PARAMS, ARGUMENTS]).deserialize(&mut deserializer).map_err(|error| {
        let text = error.to_string();
        // Where in the message it is helps nobody who has not written the message.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = shortened(text.strip_suffix(&*place).unwrap_or(&text));
        let code = if is_too_large(&text) { ErrorCode::TooLarge } else { ErrorCode::InvalidRequest };
        Error::new(code, text)
    })?;
    request(arguments.unwrap_or_default())
}

fn request(arguments: Arguments) -> Result<Request, Error> {
    Ok(Request {
        code: arguments.code.ok_or_else(|| invalid("code is missing; give the source text of a program"))?,
        language: arguments.language,
        args: arguments.args,
        env: arguments.env.into_iter().collect(),
        stdin: arguments.stdin.into_bytes(),
        files: arguments.files.into_iter().map(InputFile::read).collect::<Result<_, _>>()?,
        collect: arguments.collect.unwrap_or_else(|| vec![DEFAULT_COLLECT.into()]),
        limits: RequestedLimits {
            wall_time_ms: arguments.timeout_seconds.map(milliseconds).transpose()?,
            ..RequestedLimits::default()
        },
        network: arguments.network,
        ..Request::default()
    })
}

/// Arguments as they are written.
#[derive(Default)]
struct Arguments {
    code: Option<String>,
    language: Option<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    stdin: String,
    files: Vec<InputFile>,
    collect: Option<Vec<String>>,
    timeout_seconds: Option<f64>,
    network: Option<String>,
}

impl Object for Arguments {
    const MEMBERS: &'static [&'static str] = &schema::ARGUMENTS;

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "code" => self.code = optional(map, BoundedString::content(MAX_CODE))?,
            "language" => self.language = optional(map, BoundedString::name(MAX_NAME))?,
            "args" => self.args = optional(map, ARGS)?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "stdin" => self.stdin = optional(map, BoundedString::content(MAX_INPUT))?.unwrap_or_default(),
            "files" => self.files = optional(map, files(ObjectSeed::new()))?.unwrap_or_default(),
            "collect" => self.collect = optional(map, COLLECT)?,
            "timeout_seconds" => self.timeout_seconds = optional(map, Number)?,
            _ => self.network = optional(map, BoundedString::name(MAX_NAME))?,
        }
        Ok(())
    }

    fn unknown_member<E: de::Error>(name: &str) -> E {
        let known = Self::MEMBERS.join(", ");
        E::custom(format_args!("there is no argument {}; there are: {known}", quoted(name)))
    }
}

/// A file to lay into the working directory: either text, or bytes as base64.
#[derive(Default)]
struct InputFile {
    path: String,
    content: Option<String>,
    content_base64: Option<Result<Vec<u8>, String>>,
}

impl Object for InputFile {
    const MEMBERS: &'static [&'static str] = &["path", "content", "content_base64"];
    const REQUIRED: &'static [&'static str] = &["path"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "path" => self.path = map.next_value_seed(BoundedString::name(MAX_PATH))?,
            "content" => self.content = optional(map, BoundedString::content(MAX_INPUT))?,
            _ => self.content_base64 = optional(map, BoundedBase64 { max: MAX_INPUT })?,
        }
        Ok(())
    }
}

impl InputFile {
    fn read(self) -> Result<File, Error> {
        let content = match (self.content, self.content_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(bytes)) => bytes
                .map_err(|wrong| invalid(format!("files: the content_base64 of {} {wrong}", quoted(&self.path))))?,
            _ => {
                let path = quoted(&self.path);
                return Err(invalid(format!("files: {path} needs either content or content_base64, and not both")));
            }
        };
        Ok(File { path: self.path, content })
    }
}

/// A number, whole or not.
struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts seconds that precisely")]
impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<f64, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

/// The arguments at the end of a path of members; all else is passed over.
struct Within(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Within {
    type Value = Option<Arguments>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            Optional(ObjectSeed::new()).deserialize(deserializer)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = Option<Arguments>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut arguments = None;
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        while let Some(name) = members.next_key_seed(Name { most: first.len() })? {
            if name.is_some_and(|name| name == *first) {
                arguments = members.next_value_seed(Self(rest))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(arguments)
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
    use serde_json::{Value, json};

    fn read(arguments: Value) -> Result<Request, String> {
        let message = json!({ "a": [{}], "params": { "b": 1, "arguments": arguments, "c": {} }, "d": null });
        super::read(message.to_string().as_bytes()).map_err(|error| error.message)
    }

    #[test]
    fn code_alone_is_enough() {
        let request = read(json!({ "code": "1", "args": null })).expect("a request");
        assert_eq!((&*request.code, &request.language, &*request.collect), ("1", &None, &["*".to_owned()][..]));
        assert_eq!(request.limits, RequestedLimits::default());
        let nothing =
            schema::ARGUMENTS.iter().filter(|name| **name != "code").map(|name| ((*name).into(), Value::Null));
        let arguments = [("code".into(), json!("1"))].into_iter().chain(nothing).collect();
        assert_eq!(read(Value::Object(arguments)), Ok(request));
    }

    #[test]
    fn files_are_text_or_base64() {
        let files = json!([{ "path": "a", "content": "ä", "content_base64": null }, { "path": "b", "content_base64": "_w\nA" }]);
        let request = read(json!({ "code": "1", "files": files, "timeout_seconds": 0.0001 })).expect("a request");
        let contents: Vec<_> = request.files.into_iter().map(|file| file.content).collect();
        assert_eq!(contents, ["ä".as_bytes().to_vec(), vec![0xff, 0]]);
        assert_eq!(request.limits.wall_time_ms, Some(1));
    }

    #[test]
    fn no_name_of_an_argument_makes_a_call_look_too_large() {
        for arguments in [
            json!({ "code": "1", "too large: at most ": 1 }),
            json!({ "code": "1", "files": [{ "path": "a", "too large: at most ": 1 }] }),
        ] {
            let message = json!({ "params": { "arguments": arguments } }).to_string();
            let error = super::read(message.as_bytes()).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidRequest, "{error}");
        }
        let message = json!({ "params": { "arguments": { "code": "x".repeat(MAX_CODE + 1) } } }).to_string();
        assert_eq!(super::read(message.as_bytes()).expect_err("refused").code, ErrorCode::TooLarge);
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
            (json!({ "code": "1", "files": [{ "path": "a", "content_base64": "?" }] }), "`a` is not valid base64"),
            (json!({ "code": "1", "files": [{ "path": "a", "content": "", "mode": 1 }] }), "unknown field `mode`"),
            (json!({ "code": "1", "files": [["a", "b"]] }), "files: invalid type: sequence"),
            (json!({ "code": "1", "env": [["a", "b"]] }), "env: invalid type: sequence"),
            (json!({ "code": [0] }), "code: invalid type: sequence, expected a string"),
            (json!({ "code": "1", "args": vec![""; 1025] }), "args: too large: at most 1024 arguments are allowed"),
            (json!({ "code": "1", "collect": vec!["a"; 65] }), "collect: too large: at most 64 patterns are allowed"),
            (json!({ "code": "1", "language": "x".repeat(1 << 20) }), "language: a name is longer than 63 bytes"),
            (json!({ "code": "x".repeat((1 << 20) + 1) }), "code: too large: at most 1048576 bytes are allowed"),
            (json!({ "code": "1", "timeout_seconds": "x".repeat(1 << 20) }), "timeout_seconds: invalid type"),
            (json!({ "code": "1", ("x".repeat(1 << 20)): 1 }), "there is no argument `xxx"),
        ] {
            let message = read(arguments.clone()).expect_err("refused");
            assert!(message.contains(part), "{arguments:.200}: {message}");
            assert!(message.len() < 512 && !message.contains("line 1"), "{message}");
        }
    }
}
