//! What a case expects.

use cofferdam::types::{ErrorCode, Status};
use serde::Deserialize;

/// How an execution ends, and its output.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct ExpectedEnd {
    /// Default: it exited with 0.
    pub(super) status: Option<Status>,
    /// It ends somehow, even by an error; nothing else is compared but `stdout-lacks`.
    pub(super) any_end: bool,
    pub(super) stdout: Option<String>,
    pub(super) stdout_contains: Vec<String>,
    pub(super) stdout_lacks: Vec<String>,
    pub(super) stdout_ends_with: Option<String>,
    /// So many bytes, which are numbered.
    pub(super) stdout_numbered: Option<usize>,
    pub(super) stdout_length: Option<u64>,
    pub(super) stdout_cut: bool,
    pub(super) stderr: Option<String>,
    pub(super) stderr_contains: Vec<String>,
    /// Processes that go on.
    pub(super) left_running: u32,
}

/// An error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedError {
    pub(super) code: ErrorCode,
    /// Parts of its message.
    #[serde(default)]
    pub(super) contains: Vec<String>,
}

/// The smallest and the largest value.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Range(u64, u64);

impl Range {
    /// Whether a value is in it. Every value is in none.
    pub(super) fn allows(range: Option<Self>, value: u64) -> bool {
        range.is_none_or(|Self(smallest, largest)| (smallest..=largest).contains(&value))
    }
}
