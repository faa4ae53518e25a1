//! A request to execute a program.

use alloc::{string::String, vec::Vec};

/// One program, executed at most once. The contract `wit/types.wit` defines each field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Source text.
    pub code: String,
    /// Name of a language in the operator's table.
    pub language: Option<String>,
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// Environment variables: names and values.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Files to write to the working directory.
    pub files: Vec<File>,
    /// Glob patterns of the files to collect.
    pub collect: Vec<String>,
    /// Limits of this execution.
    pub limits: RequestedLimits,
    /// Name of a network profile.
    pub network: Option<String>,
    /// Labels: keys and values.
    pub labels: Vec<(String, String)>,
}

/// A regular file of the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative path.
    pub path: String,
    /// The content.
    pub content: Vec<u8>,
}

/// Limits of an execution. Each is enforced, must not be zero, and has a default and a ceiling in the
/// operator's settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(default, deny_unknown_fields))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Limits))]
pub struct RequestedLimits {
    /// Milliseconds from the start of the program to its end. If exceeded, the status is `timed-out`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub wall_time_ms: Option<u64>,
    /// Milliseconds from the request to the start of the program. If exceeded, the error is
    /// `startup-timeout`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub startup_time_ms: Option<u64>,
    /// Thousandths of a CPU. A program that needs more is throttled, not killed.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub cpu_millis: Option<u32>,
    /// Bytes of memory of all processes together. If exceeded, the status is `out-of-memory`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub memory_bytes: Option<u64>,
    /// Bytes in the working directory, HOME and /tmp together.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub disk_bytes: Option<u64>,
    /// Concurrent processes and threads. If exceeded, the status is `out-of-processes`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub processes: Option<u32>,
    /// Bytes of stdout and of stderr, each. Longer output is truncated in the middle.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub output_bytes: Option<u64>,
    /// Number of collected files. Further files are listed as skipped.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub collected_files: Option<u32>,
    /// Total bytes of the collected files. A file that does not fit is listed as skipped.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub collected_bytes: Option<u64>,
}
