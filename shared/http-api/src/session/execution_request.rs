//! What starts an execution of a session, and what is sent to it.

use super::request::MAX_DIRECTORY;
use crate::{
    BoundedBytes, Bytes,
    bounded::{BoundedString, Flag, Integer},
    object::{Object, ObjectSeed, object, optional},
    request::{ARGS, ENV},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use cofferdam_types::{
    RequestedLimits,
    validation::{MAX_ARGS_BYTES, MAX_CODE, MAX_INPUT, MAX_NAME},
};
use serde::{Deserialize, Deserializer, Serialize, de::MapAccess};

/// Maximum bytes of the id of an execution.
const MAX_ID: usize = 128;

/// An execution in a session: a `command`, a `shell` command line, or `code`. Exactly one of these is required.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionRequest {
    /// The caller's own id for it, which the session has not used before: 1 to 128 letters, digits, `.`, `_` and `-`.
    /// Default: a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._-]{1,128}$"))]
    pub id: Option<String>,
    /// A program, which is looked up in PATH, and its arguments: at most 1,024, at most 128 KiB in total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1024))]
    pub command: Option<Vec<String>>,
    /// A command line for a shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Source code: at most 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The language of the code. Default: that of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 63))]
    pub language: Option<String>,
    /// Arguments of the code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, max_items = 1024, required = false))]
    pub args: Vec<String>,
    /// Environment variables, in addition to those of the session.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(nullable, required = false))]
    pub env: BTreeMap<String, String>,
    /// The working directory. Default: that of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    pub working_dir: Option<String>,
    /// Standard input: at most 8 MiB. Default: empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Bytes>,
    /// Whether standard input stays open for `POST …/stdin`. Not together with `stdin`. One with a terminal stays open
    /// anyway.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "openapi", schema(nullable, required = false))]
    pub open_stdin: bool,
    /// Gives it a terminal of this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalSize>,
    /// Whether the response comes once it has started. It then continues without its caller, and without a limit on its
    /// time unless `limits` has one.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "openapi", schema(nullable, required = false))]
    pub background: bool,
    /// Whether processes that its first process leaves behind go on.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "openapi", schema(nullable, required = false))]
    pub keeps_background: bool,
    /// Its own limits of wall time, output, memory and processes, at most those of the session.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(nullable))]
    pub limits: RequestedLimits,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'de> Deserialize<'de> for ExecutionRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

impl Object for ExecutionRequest {
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "command",
        "shell",
        "code",
        "language",
        "args",
        "env",
        "working_dir",
        "stdin",
        "open_stdin",
        "terminal",
        "background",
        "keeps_background",
        "limits",
    ];

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => self.id = optional(map, BoundedString::name(MAX_ID))?,
            "command" => self.command = optional(map, ARGS)?,
            "shell" => self.shell = optional(map, BoundedString::content(MAX_ARGS_BYTES))?,
            "code" => self.code = optional(map, BoundedString::content(MAX_CODE))?,
            "language" => self.language = optional(map, BoundedString::name(MAX_NAME))?,
            "args" => self.args = optional(map, ARGS)?.unwrap_or_default(),
            "env" => self.env = optional(map, ENV)?.unwrap_or_default(),
            "working_dir" => self.working_dir = optional(map, BoundedString::name(MAX_DIRECTORY))?,
            "stdin" => self.stdin = optional(map, BoundedBytes { max: MAX_INPUT })?,
            "open_stdin" => self.open_stdin = optional(map, Flag)?.unwrap_or_default(),
            "terminal" => self.terminal = optional(map, ObjectSeed::new())?,
            "background" => self.background = optional(map, Flag)?.unwrap_or_default(),
            "keeps_background" => self.keeps_background = optional(map, Flag)?.unwrap_or_default(),
            _ => self.limits = optional(map, ObjectSeed::new())?.unwrap_or_default(),
        }
        Ok(())
    }
}

/// The size of a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TerminalSize {
    /// Columns of characters.
    pub columns: u16,
    /// Rows of characters.
    pub rows: u16,
}

impl<'de> Deserialize<'de> for TerminalSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

impl Object for TerminalSize {
    const MEMBERS: &'static [&'static str] = &["columns", "rows"];
    const REQUIRED: &'static [&'static str] = Self::MEMBERS;

    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let member = if name == "columns" { &mut self.columns } else { &mut self.rows };
        *member = map.next_value_seed(Integer::new())?;
        Ok(())
    }
}

/// A signal for the first process of an execution and its process group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalRequest {
    /// The number of the signal, such as 15 for SIGTERM.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 64))]
    pub signal: u8,
}

impl<'de> Deserialize<'de> for SignalRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

impl Object for SignalRequest {
    const MEMBERS: &'static [&'static str] = &["signal"];
    const REQUIRED: &'static [&'static str] = Self::MEMBERS;

    fn read_member<'de, A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        self.signal = map.next_value_seed(Integer::new())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    fn read(json: &str) -> Result<ExecutionRequest, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn null_means_absent() {
        let members: Vec<_> =
            ExecutionRequest::MEMBERS.iter().map(|name| format!(r#""{name}":null"#)).collect();
        assert_eq!(read(&format!("{{{}}}", members.join(","))), Ok(ExecutionRequest::default()));
    }

    #[test]
    fn a_request_survives_a_round_trip() {
        let json = r#"{"id":"a","command":["ls"],"stdin":"x","terminal":{"columns":80,"rows":24},"background":true,"limits":{}}"#;
        assert_eq!(serde_json::to_string(&read(json).expect("a request")).expect("JSON"), json);
    }

    #[test]
    fn a_wrong_type_is_refused_without_repeating_it() {
        let long = "x".repeat(MAX_CODE);
        for (json, part) in [
            (
                format!(r#"{{"background":"{long}"}}"#),
                "background: invalid type: string, expected true or false",
            ),
            (r#"{"terminal":{"columns":80}}"#.to_string(), "terminal: missing field `rows`"),
            (r#"{"terminal":{"columns":70000,"rows":1}}"#.to_string(), "columns: invalid value"),
            (r#"{"command":"ls"}"#.to_string(), "command: invalid type: string"),
        ] {
            let error = read(&json).expect_err("refused");
            assert!(error.contains(part) && error.len() < 200, "{part}: {error}");
        }
        assert!(serde_json::from_str::<SignalRequest>(r#"{"signal":256}"#).is_err());
    }
}
