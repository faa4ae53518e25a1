//! Why an execution has no report.

use alloc::{
    format,
    string::{String, ToString},
};

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(rename_all = "kebab-case"))]
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

/// A run that did not take place, or whose result is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The run, if it had come far enough to have an id.
    pub id: Option<String>,
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// For the caller: what happened and what to do, without a detail of the machine.
    pub message: String,
    /// For the operator's log only.
    pub detail: Option<String>,
    /// Whether the program certainly did not start and a later try may succeed.
    pub retryable: bool,
    /// The limit that the request sets above its ceiling, if that is the failure. Each interface names it in its own words.
    pub exceeded: Option<ExceededLimit>,
}

/// A limit of a request that is above the operator's ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExceededLimit {
    /// Its name in the contract, such as `memory-bytes`.
    pub limit: &'static str,
    /// The value of the request, in the unit of the limit.
    pub requested: u64,
    /// The ceiling, in the same unit.
    pub ceiling: u64,
}

impl Error {
    /// A failure that another try of the same request will not mend.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { id: None, code, message: message.into(), detail: None, retryable: false, exceeded: None }
    }

    /// A fault of ours, with what the operator needs to find its cause.
    #[must_use]
    pub fn internal(message: impl Into<String>, detail: impl ToString) -> Self {
        Self::new(ErrorCode::Internal, message).with_detail(detail)
    }

    /// Adds what only the operator may read.
    #[must_use]
    pub fn with_detail(mut self, detail: impl ToString) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds to what only the operator may read.
    #[must_use]
    pub fn with_more_detail(self, more: &str) -> Self {
        match self.detail.as_deref().unwrap_or_default() {
            "" => self.with_detail(more),
            _ if more.is_empty() => self,
            detail => {
                let detail = format!("{detail}; {more}");
                self.with_detail(detail)
            }
        }
    }

    /// Marks that the program certainly did not start and a later try may succeed.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The message for the operator's log.
    #[must_use]
    pub fn log_message(&self) -> &str {
        without_pointer(&self.message)
    }
}

/// What a caller is told of where the detail is.
const POINTER: &str = "; the operator's log says why";

/// A message for the operator's log, which has no need to point at itself.
#[must_use]
pub fn without_pointer(message: &str) -> &str {
    message.strip_suffix(POINTER).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_log_does_not_point_at_itself() {
        let error = |message: &str| Error::new(ErrorCode::SandboxUnavailable, message);
        let pointing = error("the sandbox cannot be built; the operator's log says why");
        assert_eq!(pointing.log_message(), "the sandbox cannot be built");
        assert_eq!(error("no").log_message(), "no");
    }
}
