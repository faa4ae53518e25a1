//! The state of an execution of a session.

use alloc::{string::String, vec::Vec};
use cofferdam_types::Status;
use serde::{Deserialize, Serialize};

/// An execution of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionExecution {
    /// Identifies it in the session.
    pub id: String,
    /// What is executed, shortened.
    pub command: String,
    /// The id of its first process in the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it started, in milliseconds since 1970.
    pub started_ms: u64,
    /// Whether it continues without its caller.
    pub background: bool,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ExecutionEnd>,
}

/// How an execution of a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionEnd {
    /// How its first process ended.
    pub status: Status,
    /// The exit code that a shell has for this status.
    pub exit_code: u8,
    /// Milliseconds from its start to its end.
    pub run_time_ms: u64,
    /// Processes that it left running.
    pub left_running: u32,
}

/// The executions of a session: those that are running, and the last ones that have ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionExecutions {
    /// Sorted by their start.
    pub executions: Vec<SessionExecution>,
}
