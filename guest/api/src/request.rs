//! What is to be run.

use crate::{Bytes, File};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// One program, to be run at most once. Only `code` is required: the operator's settings supply the rest and cap it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Request {
    /// Source text of the program: at most 1 MiB, without NUL.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^[^\x00]*$"))]
    pub code: String,
    /// Name of a language in the operator's table. Default: `python`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Arguments after the program's own name: at most 1,024, at most 128 KiB in all, without NUL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables beside the sandbox's own PATH, HOME and LANG, which they may replace: at most 1,024, at most
    /// 128 KiB in all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Standard input: at most 8 MiB. Default: at its end from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Bytes>,
    /// Files laid into the work directory before the program starts: at most 1,024, at most 8 MiB in all, each path once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Which files of the work directory to bring back, as glob patterns relative to it: at most 64. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collect: Vec<String>,
    /// Bounds of this run. A bound above the operator's ceiling is refused, not lowered.
    #[serde(default)]
    pub limits: Limits,
    /// Name of one of the operator's network profiles. Default: `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Whose run this is, such as `session`, `user` or `invocation`, for logs and for the sandbox's metadata: at most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Bounds of a run. Each is enforced, none may be zero, and each has a default and a ceiling in the operator's settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Milliseconds from the program's start to its end. Beyond it the status is `timed-out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub wall_time_ms: Option<u64>,
    /// Milliseconds from the request to the program's start. Beyond it the error is `startup-timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub startup_time_ms: Option<u64>,
    /// Thousandths of a processor. A program that wants more is slowed down, not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub cpu_millis: Option<u32>,
    /// Bytes of memory of all processes together. Beyond it the status is `out-of-memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub memory_bytes: Option<u64>,
    /// Bytes of the work directory, HOME and /tmp together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub disk_bytes: Option<u64>,
    /// Processes and threads alive at once. Beyond it the status is `out-of-processes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub processes: Option<u32>,
    /// Bytes of stdout and of stderr, each. What is over it is cut from the middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub output_bytes: Option<u64>,
    /// Files brought back. One over it is listed as skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub collected_files: Option<u32>,
    /// Bytes of the files brought back, in all. A file that does not fit is listed as skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub collected_bytes: Option<u64>,
}
