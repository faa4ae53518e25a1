//! The outcome of an execution.

use crate::Bytes;
use alloc::{string::String, vec::Vec};
use cofferdam_types::{SkippedFile, Status};
use serde::{Deserialize, Serialize};

/// A completed execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// Identifies the execution in the operator's logs: a DNS label of 1 to 63 characters.
    pub id: String,
    /// How the program ended.
    pub status: Status,
    /// The program's standard output.
    pub stdout: Output,
    /// The program's standard error.
    pub stderr: Output,
    /// The collected files, sorted by path.
    pub files: Vec<File>,
    /// The requested files that were not collected.
    pub skipped: Vec<SkippedFile>,
    /// When each phase ended.
    pub timings_ms: Timings,
    /// Whether the sandbox was prewarmed, that is, started before the request arrived.
    pub warm: bool,
}

/// What a program wrote to one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Output {
    /// The kept bytes: all of them, or the head and the tail.
    pub content: Bytes,
    /// Number of bytes that the program wrote. If the stream was truncated and the sandbox died early, a
    /// lower bound.
    pub length: u64,
    /// If the stream was truncated in the middle: how many bytes of `content` belong to the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<u64>,
}

/// A regular file in the working directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Relative path of 1 to 255 bytes with `/` as separator. No component is empty, `.` or `..`. NUL is not
    /// allowed.
    pub path: String,
    /// The file's bytes.
    pub content: Bytes,
}

/// Milliseconds from the request to the end of each phase. A phase that did not occur has no value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timings {
    /// The execution left the sidecar's queue.
    #[serde(default)]
    pub queued: Option<u64>,
    /// The sandbox was assigned to a node.
    #[serde(default)]
    pub scheduled: Option<u64>,
    /// The node had pulled the image.
    #[serde(default)]
    pub pulled: Option<u64>,
    /// The program started.
    #[serde(default)]
    pub started: Option<u64>,
    /// The program ended.
    #[serde(default)]
    pub finished: Option<u64>,
    /// The response was complete.
    pub answered: u64,
}
