//! Why an execution has no report.

use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
};
use core::fmt;

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
    /// There is no such session, execution of a session, or file. No answer of an execution without a session.
    NotFound,
    /// The state of a session, of an execution of it or of a file does not allow the call. Only of sessions.
    Conflict,
    /// The session has ended. Only of sessions.
    Gone,
}

/// An execution that did not take place, or whose result is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The id of the execution, if it got one.
    pub id: Option<String>,
    /// The kind of error.
    pub code: ErrorCode,
    /// For the caller: what failed and what to do, without details of the machine.
    pub message: String,
    /// For the operator's log only.
    pub detail: Option<String>,
    /// Whether the program certainly did not start and a later attempt may succeed.
    pub retryable: bool,
    /// The limit that exceeds its ceiling, if that is the error. Each interface shows it under its own name.
    pub exceeded: Option<ExceededLimit>,
}

/// A limit of a request that is above the operator's ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceededLimit {
    /// Its name in the contract, such as `memory-bytes`.
    pub limit: Cow<'static, str>,
    /// The value of the request, in the unit of the limit.
    pub requested: u64,
    /// The ceiling, in the same unit.
    pub ceiling: u64,
}

/// In the words of the contract.
impl fmt::Display for ExceededLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, requested, ceiling } = self;
        write!(f, "the limit {limit} of {requested} is above the operator's ceiling of {ceiling}")
    }
}

impl Error {
    /// An error that is not retryable.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { id: None, code, message: message.into(), detail: None, retryable: false, exceeded: None }
    }

    /// An internal error, with details for the operator.
    #[must_use]
    pub fn internal(message: impl Into<String>, detail: impl ToString) -> Self {
        Self::new(ErrorCode::Internal, message).with_detail(detail)
    }

    /// Sets the detail for the operator's log.
    #[must_use]
    pub fn with_detail(mut self, detail: impl ToString) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Appends to the detail for the operator's log.
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

    /// Marks that the program certainly did not start and a later attempt may succeed.
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

/// The end of a message that refers the caller to the detail.
const LOG_REFERENCE: &str = "; the operator's log says why";

/// A message for the operator's log, without the reference to that log.
#[must_use]
pub fn without_pointer(message: &str) -> &str {
    message.strip_suffix(LOG_REFERENCE).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_does_not_refer_to_itself() {
        let error = |message: &str| Error::new(ErrorCode::SandboxUnavailable, message);
        let referring = error("the sandbox cannot be built; the operator's log says why");
        assert_eq!(referring.log_message(), "the sandbox cannot be built");
        assert_eq!(error("no").log_message(), "no");
    }
}
