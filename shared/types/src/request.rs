//! What a caller asks to have executed.

use alloc::{string::String, vec::Vec};

/// One program, to be run at most once. The contract, `wit/types.wit`, says what each part means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Source text.
    pub code: String,
    /// Name of a language in the operator's table.
    pub language: Option<String>,
    /// Arguments after the program's own name.
    pub args: Vec<String>,
    /// Environment: names and values.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Files laid into the work directory.
    pub files: Vec<File>,
    /// Glob patterns of the files to bring back.
    pub collect: Vec<String>,
    /// Bounds that the caller asks for.
    pub limits: RequestedLimits,
    /// Name of a network profile.
    pub network: Option<String>,
    /// Whose run this is.
    pub labels: Vec<(String, String)>,
}

/// A regular file of the work directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative path.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Bounds of a run. Each is enforced, none may be zero, and each has a default and a ceiling in the operator's settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Limits))]
pub struct RequestedLimits {
    /// Milliseconds from the program's start to its end. Beyond it the status is `timed-out`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub wall_time_ms: Option<u64>,
    /// Milliseconds from the request to the program's start. Beyond it the error is `startup-timeout`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub startup_time_ms: Option<u64>,
    /// Thousandths of a processor. A program that wants more is slowed down, not ended.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub cpu_millis: Option<u32>,
    /// Bytes of memory of all processes together. Beyond it the status is `out-of-memory`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub memory_bytes: Option<u64>,
    /// Bytes of the work directory, HOME and /tmp together.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub disk_bytes: Option<u64>,
    /// Processes and threads alive at once. Beyond it the status is `out-of-processes`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub processes: Option<u32>,
    /// Bytes of stdout and of stderr, each. What is over it is cut from the middle.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub output_bytes: Option<u64>,
    /// Files brought back. One over it is listed as skipped.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub collected_files: Option<u32>,
    /// Bytes of the files brought back, in all. A file that does not fit is listed as skipped.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub collected_bytes: Option<u64>,
}
