//! The error of an execution that has no outcome.

use alloc::{boxed::Box, string::String};
use cofferdam_types::{ErrorCode, ExceededLimit};
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
    /// The limit that exceeds its ceiling, if that is the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceeded: Option<Box<Exceeded>>,
}

/// A limit of a request that is above the operator's ceiling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Exceeded {
    /// Its name in `limits`, such as `memory_bytes`.
    pub limit: String,
    /// The value of the request, in the unit of the limit.
    pub requested: u64,
    /// The ceiling, in the same unit.
    pub ceiling: u64,
}

impl From<ExceededLimit> for Exceeded {
    fn from(ExceededLimit { limit, requested, ceiling }: ExceededLimit) -> Self {
        Self { limit: limit.replace('-', "_"), requested, ceiling }
    }
}

impl From<Exceeded> for ExceededLimit {
    fn from(Exceeded { limit, requested, ceiling }: Exceeded) -> Self {
        Self { limit: limit.replace('_', "-").into(), requested, ceiling }
    }
}
