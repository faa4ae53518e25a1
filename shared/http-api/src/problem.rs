//! Why there is no outcome.

use alloc::string::String;
use cofferdam_types::ErrorCode;
use serde::{Deserialize, Serialize};

/// Why a program was not run, or why its result is not known: problem details as of RFC 9457, with the contract's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:cofferdam:` and the code.
    pub r#type: String,
    /// The kind of problem, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do. Never a detail of the machine or the cluster.
    pub detail: String,
    /// What kind of failure it is, for programs.
    pub code: ErrorCode,
    /// The run, if it had come far enough to have an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the program certainly did not start and a later try may succeed.
    pub retryable: bool,
}
