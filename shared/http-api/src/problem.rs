//! The error of an execution that has no outcome.

use alloc::string::String;
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

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ErrorCode {
    /// The request violates the contract.
    InvalidRequest,
    /// The request is larger than the contract or the operator allows.
    TooLarge,
    /// The operator's policy forbids the request.
    Denied,
    /// The caller is not authenticated, or not authorised.
    Unauthorised,
    /// The quota of the caller or the cluster is exhausted.
    Quota,
    /// The sidecar is at capacity.
    Overloaded,
    /// No node can run the sandbox.
    Unschedulable,
    /// The image cannot be pulled.
    ImageUnavailable,
    /// The sandbox cannot be created, or is not the kind that the policy requires.
    SandboxUnavailable,
    /// The program did not start within the startup time.
    StartupTimeout,
    /// The sandbox was evicted while the program ran.
    Evicted,
    /// The caller cancelled the execution before the program started.
    Cancelled,
    /// The sidecar or the cluster is unreachable.
    Unreachable,
    /// An internal error of the executor.
    Internal,
}
