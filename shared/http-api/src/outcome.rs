//! What came of a run.

use crate::Bytes;
use alloc::{string::String, vec::Vec};
use cofferdam_types::{SkippedFile, Status};
use serde::{Deserialize, Serialize};

/// A run that took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// Joins this run with the operator's logs: 1 to 63 characters of a DNS label.
    pub id: String,
    /// How the program ended.
    pub status: Status,
    /// What it wrote to its standard output.
    pub stdout: Output,
    /// What it wrote to its standard error.
    pub stderr: Output,
    /// The files asked for, sorted by path.
    pub files: Vec<File>,
    /// The files asked for and not brought back.
    pub skipped: Vec<SkippedFile>,
    /// When each phase ended.
    pub timings_ms: Timings,
    /// Whether the sandbox had been started before the request came.
    pub warm: bool,
}

/// What a program wrote to one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Output {
    /// What was kept: all of it, or its head and its tail.
    pub content: Bytes,
    /// How many bytes the program wrote; at least so many, if it was cut and its sandbox died before it could tell.
    pub length: u64,
    /// If the middle was cut out: how many bytes of `content` are the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<u64>,
}

/// A regular file of the work directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Relative path with `/` between its parts: 1 to 255 bytes, without empty parts, `.`, `..` and NUL.
    pub path: String,
    /// Its bytes.
    pub content: Bytes,
}

/// Milliseconds from the request to the end of each phase. A phase that did not happen has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timings {
    /// It had waited for its turn in the sidecar.
    #[serde(default)]
    pub queued: Option<u64>,
    /// A node had been found for it.
    #[serde(default)]
    pub scheduled: Option<u64>,
    /// The image was on the node.
    #[serde(default)]
    pub pulled: Option<u64>,
    /// The program started.
    #[serde(default)]
    pub started: Option<u64>,
    /// The program ended.
    #[serde(default)]
    pub finished: Option<u64>,
    /// The answer was complete.
    pub answered: u64,
}
