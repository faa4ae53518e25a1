//! Why there is no outcome.

use alloc::string::String;
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

/// What kind of failure kept a program from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ErrorCode {
    /// The request contradicts the contract.
    InvalidRequest,
    /// The request is larger than the contract or the operator allows.
    TooLarge,
    /// The operator's policy refuses it.
    Denied,
    /// The caller is not known, or may not do this.
    Unauthorised,
    /// The caller's or the cluster's quota is used up.
    Quota,
    /// The sidecar has as many runs as it takes.
    Overloaded,
    /// No node can take it.
    Unschedulable,
    /// The image cannot be fetched.
    ImageUnavailable,
    /// The sandbox cannot be built, or is not the one that policy requires.
    SandboxUnavailable,
    /// The program had not started at the end of the start-up time.
    StartupTimeout,
    /// The sandbox was taken away while the program ran.
    Evicted,
    /// The caller gave up before the program started.
    Cancelled,
    /// The sidecar or the cluster cannot be reached.
    Unreachable,
    /// A fault of the executor itself.
    Internal,
}
