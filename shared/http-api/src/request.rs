//! The request: one program and its limits.

use crate::{
    BoundedBytes, Bytes, InputFile,
    bounded::{BoundedList, BoundedMap, BoundedString, Integer},
    object::{Object, ObjectSeed, object, optional},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use cofferdam_types::{
    RequestedLimits,
    validation::{
        MAX_ARGS, MAX_ARGS_BYTES, MAX_CODE, MAX_FILES, MAX_IMAGE, MAX_INPUT, MAX_LABEL_KEY, MAX_LABEL_VALUE,
        MAX_LABELS, MAX_NAME, MAX_PATH, MAX_PATTERNS,
    },
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Unexpected},
};

/// One program, which is run at most once. Only `code` is required. The operator's settings supply defaults
/// and ceilings for the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Request {
    /// Source code of the program: at most 1 MiB, without NUL.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^[^\x00]*$"))]
    pub code: String,
    /// A language that the operator has configured. Default: `python`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 63))]
    pub language: Option<String>,
    /// Arguments, without the program's name: at most 1,024, at most 128 KiB in total, without NUL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, max_items = 1024))]
    pub args: Vec<String>,
    /// Environment variables, in addition to PATH, HOME and LANG, which they may override: at most 1,024, at
    /// most 128 KiB in total.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable))]
    pub env: BTreeMap<String, String>,
    /// Standard input: at most 8 MiB. Default: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Bytes>,
    /// Files to write to the working directory before the program starts: at most 1,024, at most 8 MiB in
    /// total. Paths are unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, max_items = 1024))]
    pub files: Vec<InputFile>,
    /// Files to collect from the working directory: at most 64 glob patterns relative to it. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, max_items = 64))]
    pub collect: Vec<String>,
    /// Limits of this execution. A limit above the operator's ceiling is rejected, not lowered.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(nullable))]
    pub limits: RequestedLimits,
    /// A network profile that the operator has configured. Default: `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 63))]
    pub network: Option<String>,
    /// An image that the operator allows requests to choose, such as `python:3.12-slim`. Default: that of the language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 520))]
    pub image: Option<String>,
    /// Labels for logs and the sandbox's metadata, such as `session`, `user` or `invocation`: at most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable))]
    pub labels: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

impl Object for Request {
    const MEMBERS: &'static [&'static str] = &[
        "code", "language", "args", "env", "stdin", "files", "collect", "limits", "network", "image",
        "labels",
    ];
    const REQUIRED: &'static [&'static str] = &["code"];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "code" => self.code = map.next_value_seed(BoundedString::content(MAX_CODE))?,
            "language" => self.language = optional(map, BoundedString::name(MAX_NAME))?,
            "args" => self.args = optional(map, ARGS)?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "stdin" => self.stdin = optional(map, BoundedBytes { max: MAX_INPUT })?,
            "files" => self.files = optional(map, files(ObjectSeed::new()))?.unwrap_or_default(),
            "collect" => self.collect = optional(map, COLLECT)?.unwrap_or_default(),
            "limits" => self.limits = optional(map, ObjectSeed::new())?.unwrap_or_default(),
            "network" => self.network = optional(map, BoundedString::name(MAX_NAME))?,
            "image" => self.image = optional(map, BoundedString::name(MAX_IMAGE))?,
            _ => self.labels = optional(map, LABELS)?.unwrap_or_default(),
        }
        Ok(())
    }
}

/// The arguments of a request.
pub const ARGS: BoundedList<BoundedString> =
    BoundedList { element: ARG_OR_VARIABLE, max: MAX_ARGS, unit: "arguments" };
/// The environment variables of a request.
pub const ENV: BoundedMap =
    BoundedMap { name: ARG_OR_VARIABLE, value: ARG_OR_VARIABLE, max: MAX_ARGS, unit: "variables" };
/// The patterns of the files that a request collects.
pub const COLLECT: BoundedList<BoundedString> =
    BoundedList { element: BoundedString::name(MAX_PATH), max: MAX_PATTERNS, unit: "patterns" };
/// An argument, or the name or value of an environment variable.
const ARG_OR_VARIABLE: BoundedString = BoundedString::content(MAX_ARGS_BYTES);
const LABELS: BoundedMap = BoundedMap {
    name: BoundedString::name(MAX_LABEL_KEY),
    value: BoundedString::name(MAX_LABEL_VALUE),
    max: MAX_LABELS,
    unit: "labels",
};

/// The input files of a request. `file` reads each of them.
#[must_use]
pub const fn files<S: Copy>(file: S) -> BoundedList<S> {
    BoundedList { element: file, max: MAX_FILES, unit: "files" }
}

impl Object for RequestedLimits {
    const MEMBERS: &'static [&'static str] = Self::FIELDS;

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let value: Option<u64> = optional(map, Integer::new())?;
        self.set(name, value).map_err(|_| {
            let number = Unexpected::Unsigned(value.unwrap_or_default());
            A::Error::invalid_value(number, &Integer::<u32>::new())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec};

    fn read(json: &str) -> Result<Request, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn null_means_absent() {
        let rest = Request::MEMBERS.iter().filter(|name| **name != "code");
        let all = rest.map(|name| format!(r#","{name}":null"#)).collect::<String>();
        let limits = RequestedLimits::MEMBERS
            .iter()
            .map(|name| format!(r#""{name}":null"#))
            .collect::<Vec<_>>()
            .join(",");
        for json in [format!(r#"{{"code":"1"{all}}}"#), format!(r#"{{"code":"1","limits":{{{limits}}}}}"#)] {
            assert_eq!(read(&json), Ok(Request { code: "1".into(), ..Request::default() }), "{json}");
        }
    }

    #[test]
    fn an_array_is_not_accepted_for_an_object() {
        let limits = "[1,1,1,1,1,1,1,1,1]";
        for json in [
            r#"["1",null,[],{},null,[],[],{},null,{}]"#,
            &format!(r#"{{"code":"1","limits":{limits}}}"#),
            r#"{"code":"1","files":[["a","b"]]}"#,
            r#"{"code":"1","env":[["a","b"]]}"#,
        ] {
            assert!(
                read(json).is_err_and(|error| error.contains("invalid type: sequence")),
                "{json}: {:?}",
                read(json)
            );
        }
    }

    #[test]
    fn every_list_map_and_string_is_bounded_while_it_is_read() {
        let many = |element: &str, count: usize| vec![element; count].join(",");
        let pairs =
            |count: usize| (0..count).map(|number| format!(r#""{number}":"""#)).collect::<Vec<_>>().join(",");
        let long = "x".repeat(MAX_CODE + 1);
        for (json, part) in [
            // The rest is not valid JSON. It must not be read.
            (
                format!(r#"{{"code":"1","args":[{},"""#, many(r#""""#, 1024)),
                "args: too large: at most 1024 arguments",
            ),
            (
                format!(r#"{{"code":"1","env":{{{},"x":"#, pairs(1024)),
                "env: too large: at most 1024 variables",
            ),
            (
                format!(
                    r#"{{"code":"1","files":[{},{{"path":"","content":""}}"#,
                    many(r#"{"path":"a","content":""}"#, 1024)
                ),
                "files: too large: at most 1024 files",
            ),
            (
                format!(r#"{{"code":"1","collect":[{},"""#, many(r#""""#, 64)),
                "collect: too large: at most 64 patterns",
            ),
            (
                format!(r#"{{"code":"1","labels":{{{},"x":"#, pairs(16)),
                "labels: too large: at most 16 labels",
            ),
            (format!(r#"{{"code":"{long}""#), "code: too large: at most 1048576 bytes"),
            (format!(r#"{{"language":"{long}""#), "language: a name is longer than 63 bytes"),
            (format!(r#"{{"args":["{long}""#), "args: too large: at most 131072 bytes"),
            (format!(r#"{{"files":[{{"path":"{long}""#), "files: path: a name is longer than 255 bytes"),
            (format!(r#"{{"stdin":"{}""#, long.repeat(8)), "stdin: too large: at most 8388608 bytes"),
            (
                format!(r#"{{"stdin":{{"base64":"{}"}}"#, "AAAA".repeat(3 << 20)),
                "stdin: too large: at most 8388608",
            ),
            (format!(r#"{{"labels":{{"a":"{long}""#), "labels: a name is longer than 256 bytes"),
            (r#"{"files":[{"mode":"0o644""#.to_string(), "files: mode: a name is longer than 4 bytes"),
            (r#"{"files":[{"mode":"4755""#.to_string(), "files: mode: a mode is three octal digits"),
            (r#"{"code":"1","env":{"a":"","a":""}}"#.to_string(), "env: a name is given twice"),
            (
                r#"{"code":"1","limits":{"processes":4294967296}}"#.to_string(),
                "limits: processes: invalid value",
            ),
        ] {
            let error = read(&json).expect_err("refused");
            assert!(error.contains(part) && error.len() < 200, "{part}: {error}");
        }
    }

    #[test]
    fn no_message_repeats_a_long_text() {
        let long = "x".repeat(MAX_CODE);
        for json in [
            format!(r#"{{"{long}":1}}"#),
            format!(r#"{{"args":"{long}"}}"#),
            format!(r#"{{"env":"{long}"}}"#),
            format!(r#"{{"files":["{long}"]}}"#),
            format!(r#"{{"limits":"{long}"}}"#),
            format!(r#"{{"limits":{{"processes":"{long}"}}}}"#),
            format!(r#"{{"stdin":{{"{long}":1}}}}"#),
            format!(r#""{long}""#),
        ] {
            let error = read(&json).expect_err("refused");
            assert!(error.len() < 512, "{} bytes: {error:.200}", error.len());
        }
    }
}
