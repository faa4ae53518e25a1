//! Changes in a watched directory.

use crate::Problem;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// An event of a watched directory: the data of a server-sent event. The event's name is the name of the one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WatchEvent {
    /// The directory is watched: later changes are reported. This is the first event.
    Watching(bool),
    /// A file has changed.
    Changed(FileChange),
    /// Changes were lost, as too many came at once: list the directory.
    Overflow(bool),
    /// The directory is not watched any longer. This is the last event.
    Failed(Problem),
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileChange {
    /// What happened.
    pub kind: ChangeKind,
    /// The path, relative to the watched directory.
    pub path: String,
    /// The bytes of the path in base64, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChangeKind {
    /// It was created, or moved to this path.
    Created,
    /// Its content or its permissions changed.
    Modified,
    /// It was removed, or moved from this path.
    Removed,
}

impl WatchEvent {
    /// The name of the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Watching(_) => "watching",
            Self::Changed(_) => "changed",
            Self::Overflow(_) => "overflow",
            Self::Failed(_) => "failed",
        }
    }
}
