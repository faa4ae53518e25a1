//! The error of an execution that has no outcome.

use alloc::string::String;
use cofferdam_types::ErrorCode;
use serde::{Deserialize, Serialize};

/// Why a program was not run, or why its result is unknown: problem details (RFC 9457) with the contract's
/// error code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:cofferdam:` followed by the error code.
    pub r#type: String,
    /// A short title of the kind of problem.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What failed and what to do. Contains no details of the machine or the cluster.
    pub detail: String,
    /// The kind of error, for programs.
    pub code: ErrorCode,
    /// The execution's id, if one was assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the program certainly did not start and a retry may succeed.
    pub retryable: bool,
}
