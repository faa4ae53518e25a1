//! Errors as problem details, RFC 9457. Pure.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cofferdam_http_api::{ErrorCode, PROBLEM, Problem};
use cofferdam_types::Error;
use std::time::Duration;

/// Seconds after which a refused caller may try again: a turn is not longer in coming where programs are short.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a request was refused, for the access log.
#[derive(Debug, Clone)]
pub(super) struct Reason(pub(super) String);

/// A request that gets a problem for an answer.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A refusal whose status is not that of its code.
    pub(super) fn new(status: StatusCode, code: ErrorCode, detail: impl Into<String>) -> Self {
        let (name, title, _) = kind(code);
        let problem = Problem {
            r#type: format!("urn:cofferdam:{name}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            id: None,
            retryable: false,
        };
        Self { problem: problem.into(), header: None }
    }

    /// What contradicts HTTP or this API, rather than the contract.
    pub(super) fn invalid(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, ErrorCode::InvalidRequest, detail)
    }

    /// Nothing was started, and a later try may succeed.
    pub(super) fn retryable(mut self) -> Self {
        self.problem.retryable = true;
        self
    }

    /// Says when a later try may succeed.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, seconds.max(1).into())
    }

    /// Adds a header to the answer.
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        *refusal.problem
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: problem.into(), header: None }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        of_error(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response();
        let headers = response.headers_mut();
        if self.problem.retryable {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        headers.extend(self.header.map(|(name, value)| (Some(name), value)));
        response.extensions_mut().insert(Reason(self.problem.detail));
        response
    }
}

/// A failure of a run, without its detail.
pub(super) fn of_error(error: Error) -> Problem {
    let code = error.code;
    let (name, title, status) = kind(code);
    Problem {
        r#type: format!("urn:cofferdam:{name}"),
        title: title.into(),
        status: status.as_u16(),
        detail: error.message,
        code,
        id: error.id,
        retryable: error.retryable,
    }
}

/// The name, the title and the status of each code.
pub(super) fn kind(code: ErrorCode) -> (&'static str, &'static str, StatusCode) {
    match code {
        ErrorCode::InvalidRequest => ("invalid-request", "The request is not valid", StatusCode::BAD_REQUEST),
        ErrorCode::TooLarge => ("too-large", "The request is too large", StatusCode::PAYLOAD_TOO_LARGE),
        ErrorCode::Denied => ("denied", "Policy refuses the request", StatusCode::FORBIDDEN),
        // The sidecar's own rights in its cluster; a caller without any is told so with 401.
        ErrorCode::Unauthorised => ("unauthorised", "Not authorised", StatusCode::BAD_GATEWAY),
        ErrorCode::Quota => ("quota", "The quota is used up", StatusCode::TOO_MANY_REQUESTS),
        ErrorCode::Overloaded => ("overloaded", "There are too many runs", StatusCode::TOO_MANY_REQUESTS),
        ErrorCode::Unschedulable => ("unschedulable", "No node can take the run", StatusCode::SERVICE_UNAVAILABLE),
        ErrorCode::ImageUnavailable => {
            ("image-unavailable", "The image cannot be fetched", StatusCode::SERVICE_UNAVAILABLE)
        }
        ErrorCode::SandboxUnavailable => {
            ("sandbox-unavailable", "The sandbox cannot be built", StatusCode::SERVICE_UNAVAILABLE)
        }
        ErrorCode::StartupTimeout => {
            ("startup-timeout", "The program did not start in time", StatusCode::GATEWAY_TIMEOUT)
        }
        ErrorCode::Evicted => ("evicted", "The sandbox was taken away", StatusCode::BAD_GATEWAY),
        ErrorCode::Cancelled => ("cancelled", "The run was cancelled", StatusCode::CONFLICT),
        ErrorCode::Unreachable => ("unreachable", "The cluster cannot be reached", StatusCode::BAD_GATEWAY),
        ErrorCode::Internal => ("internal", "A fault of the executor", StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_names_the_code_as_json_does() {
        for code in [ErrorCode::InvalidRequest, ErrorCode::SandboxUnavailable, ErrorCode::Overloaded] {
            assert_eq!(serde_json::json!(code), kind(code).0);
        }
    }

    #[test]
    fn the_caller_reads_no_detail_and_learns_when_to_try_again() {
        let error = Error::new(cofferdam_types::ErrorCode::Overloaded, "later").with_detail("secret").retryable();
        assert!(!format!("{:?}", of_error(error.clone())).contains("secret"));
        let response = Refusal::from(error).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM);
    }
}
