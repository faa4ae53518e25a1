//! Errors as problem details, RFC 9457. Pure.

use axum::response::{IntoResponse, Response};
use cofferdam_http_api::{ErrorCode, Exceeded, PROBLEM, Problem};
use cofferdam_types::Error;
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::time::Duration;

/// Seconds after which a caller may retry, unless the error states another time.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The most seconds after which a caller is asked to retry. Many cannot wait for a longer time without an overflow.
const MAX_RETRY_AFTER: u64 = 86_400;

/// The detail of a response with a problem, for the access log.
#[derive(Debug, Clone)]
pub(crate) struct ErrorDetail(pub(crate) String);

/// An error that a request is answered with.
#[derive(Debug)]
pub(crate) struct ApiError {
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl ApiError {
    /// An error whose HTTP status is not the usual one of its code.
    pub(crate) fn new(status: StatusCode, code: ErrorCode, detail: impl Into<String>) -> Self {
        let (name, title, _) = describe(code);
        let problem = Problem {
            r#type: format!("urn:cofferdam:{name}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            id: None,
            retryable: false,
            exceeded: None,
        };
        Self { problem: problem.into(), header: None }
    }

    /// A request that violates HTTP or this API.
    pub(crate) fn invalid(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, ErrorCode::InvalidRequest, detail)
    }

    /// The body of the response.
    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Marks the error as temporary: nothing was started, and a retry may succeed.
    pub(crate) fn retryable(mut self) -> Self {
        self.problem.retryable = true;
        self
    }

    /// Adds the header `Retry-After`, in whole seconds rounded up, at most a day.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        self.with_header(header::RETRY_AFTER, seconds.clamp(1, MAX_RETRY_AFTER).into())
    }

    /// Sets the one additional header of the response.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        *error.problem
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self { problem: problem.into(), header: None }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        to_problem(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response();
        let headers = response.headers_mut();
        if self.problem.retryable {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        headers.extend(self.header.map(|(name, value)| (Some(name), value)));
        response.extensions_mut().insert(ErrorDetail(self.problem.detail));
        response
    }
}

/// The error of a request that exceeds a limit now and may succeed later.
pub(crate) fn overloaded(message: &str) -> Error {
    Error::new(cofferdam_types::ErrorCode::Overloaded, message).retryable()
}

/// Converts an error without its operator detail, which goes to the log only.
#[must_use]
pub fn to_problem(error: Error) -> Problem {
    let code = error.code;
    let exceeded = error.exceeded.map(Exceeded::from);
    let detail = exceeded.as_ref().map_or(error.message, exceeded_detail);
    let (name, title, status) = describe(code);
    Problem {
        r#type: format!("urn:cofferdam:{name}"),
        title: title.into(),
        status: status.as_u16(),
        detail,
        code,
        id: error.id,
        retryable: error.retryable,
        exceeded: exceeded.map(Box::new),
    }
}

/// Names a limit as the field of a request.
fn exceeded_detail(Exceeded { limit, requested, ceiling }: &Exceeded) -> String {
    format!("limits.{limit} of {requested} is above the operator's ceiling of {ceiling}")
}

/// The name, the title and the HTTP status of a code.
pub(crate) fn describe(code: ErrorCode) -> (&'static str, &'static str, StatusCode) {
    match code {
        ErrorCode::InvalidRequest => ("invalid-request", "The request is not valid", StatusCode::BAD_REQUEST),
        ErrorCode::TooLarge => ("too-large", "The request is too large", StatusCode::PAYLOAD_TOO_LARGE),
        ErrorCode::Denied => ("denied", "The policy denies the request", StatusCode::FORBIDDEN),
        // The sidecar itself lacks rights in its cluster. A caller without a token gets 401.
        ErrorCode::Unauthorised => ("unauthorised", "Not authorised", StatusCode::BAD_GATEWAY),
        ErrorCode::Quota => ("quota", "The quota is exhausted", StatusCode::TOO_MANY_REQUESTS),
        ErrorCode::Overloaded => ("overloaded", "The sidecar is at capacity", StatusCode::TOO_MANY_REQUESTS),
        ErrorCode::Unschedulable => {
            ("unschedulable", "No node can run the sandbox", StatusCode::SERVICE_UNAVAILABLE)
        }
        ErrorCode::ImageUnavailable => {
            ("image-unavailable", "The image could not be pulled", StatusCode::SERVICE_UNAVAILABLE)
        }
        ErrorCode::SandboxUnavailable => {
            ("sandbox-unavailable", "The sandbox could not be created", StatusCode::SERVICE_UNAVAILABLE)
        }
        ErrorCode::StartupTimeout => {
            ("startup-timeout", "The program did not start in time", StatusCode::GATEWAY_TIMEOUT)
        }
        ErrorCode::Evicted => ("evicted", "The sandbox was evicted", StatusCode::BAD_GATEWAY),
        ErrorCode::Cancelled => ("cancelled", "The execution was cancelled", StatusCode::CONFLICT),
        ErrorCode::Unreachable => ("unreachable", "The cluster cannot be reached", StatusCode::BAD_GATEWAY),
        ErrorCode::Internal => ("internal", "Internal error", StatusCode::INTERNAL_SERVER_ERROR),
        ErrorCode::NotFound => ("not-found", "Not found", StatusCode::NOT_FOUND),
        ErrorCode::Conflict => ("conflict", "The state does not allow the call", StatusCode::CONFLICT),
        ErrorCode::Gone => ("gone", "The session has ended", StatusCode::GONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_names_the_code_as_json_does() {
        for code in [ErrorCode::InvalidRequest, ErrorCode::SandboxUnavailable, ErrorCode::Overloaded] {
            assert_eq!(serde_json::json!(code), describe(code).0);
        }
    }

    #[test]
    fn a_response_has_no_operator_detail_and_states_when_to_retry() {
        let error =
            Error::new(cofferdam_types::ErrorCode::Overloaded, "later").with_detail("secret").retryable();
        assert!(!format!("{:?}", to_problem(error.clone())).contains("secret"));
        let response = ApiError::from(error).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM);
    }

    #[test]
    fn the_time_to_a_retry_is_rounded_up_and_at_most_a_day() {
        for (wait, seconds) in [
            (Duration::ZERO, "1"),
            (Duration::from_millis(1500), "2"),
            (Duration::from_secs(86_400), "86400"),
            (Duration::MAX, "86400"),
        ] {
            let response = ApiError::from(overloaded("later")).retry_after(wait).into_response();
            assert_eq!(response.headers()[header::RETRY_AFTER], seconds, "{wait:?}");
        }
    }
}
