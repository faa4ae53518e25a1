//! Why a run that was handed on gave no report, and what the caller is told of it: nothing of where the sidecar is.

use alloc::{format, string::String};
use cofferdam_http_api::{Problem, VERSION};
use cofferdam_types::printable;
use http_bridge_bindings::{
    exports::cofferdam::code_executor::types::{Error, ErrorCode},
    wasi::http::types::ErrorCode as HttpError,
};

/// Why there is no report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// `COFFERDAM_URL` is no address, for this reason.
    Address(&'static str),
    /// `COFFERDAM_TOKEN` cannot stand in a header.
    Token,
    /// The request names one of these twice, which JSON has no room for.
    Twice(&'static str),
    /// The host or the encoder would not take the request.
    Unwritable,
    /// No connection was made.
    NoConnection,
    /// No secure connection was made, or it failed.
    Tls,
    /// The host does not allow the request.
    Forbidden,
    /// The connection ended before the answer did.
    Lost,
    /// The time was over first.
    Silence {
        /// How much it was.
        seconds: u64,
    },
    /// The answer has more bytes than an outcome can have.
    TooLong {
        /// How many it may have.
        most: usize,
    },
    /// The answer is none of a sidecar's; this is its HTTP status.
    Foreign(u16),
    /// The sidecar speaks this version, which is another one.
    Version(String),
    /// The sidecar says why.
    Problem(Problem),
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            // Only what no host says after it has had a connection: "timeout" is not among it.
            HttpError::DnsTimeout
            | HttpError::DnsError(_)
            | HttpError::DestinationNotFound
            | HttpError::DestinationUnavailable
            | HttpError::DestinationIpUnroutable
            | HttpError::ConnectionRefused
            | HttpError::ConnectionLimitReached => Self::NoConnection,
            HttpError::DestinationIpProhibited | HttpError::HttpRequestDenied => Self::Forbidden,
            HttpError::TlsProtocolError | HttpError::TlsCertificateError | HttpError::TlsAlertReceived(_) => Self::Tls,
            HttpError::HttpRequestUriInvalid | HttpError::HttpRequestUriTooLong => {
                Self::Address("is no address that this host takes")
            }
            _ => Self::Lost,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        if let Failure::Problem(problem) = failure {
            let code = code(problem.code);
            // Whoever answers may not be a sidecar of ours.
            let message = problem.detail.chars().map(printable).collect();
            return Self { id: problem.id, code, message, retryable: problem.retryable };
        }
        let retryable = matches!(failure, Failure::NoConnection | Failure::Foreign(429));
        let (code, message) = tell(failure);
        Self { id: None, code, message, retryable }
    }
}

fn tell(failure: Failure) -> (ErrorCode, String) {
    const UNKNOWN: &str = "whether the program ran is not known";
    match failure {
        Failure::Address(reason) => (
            ErrorCode::Unreachable,
            format!("COFFERDAM_URL {reason}; give the sidecar's address, such as {}", crate::endpoint::DEFAULT),
        ),
        Failure::Token => {
            (ErrorCode::Unauthorised, "COFFERDAM_TOKEN has characters that no HTTP header can have".into())
        }
        Failure::Twice(what) => (ErrorCode::InvalidRequest, format!("{what} is given twice")),
        Failure::Unwritable => (ErrorCode::Internal, "this host cannot send the request".into()),
        Failure::NoConnection => (
            ErrorCode::Unreachable,
            "no connection to the sidecar could be made; see that it runs, and that COFFERDAM_URL is its address"
                .into(),
        ),
        Failure::Tls => (
            ErrorCode::Unreachable,
            "the secure connection to the sidecar failed; see that COFFERDAM_URL and its certificate belong together"
                .into(),
        ),
        Failure::Forbidden => {
            (ErrorCode::Denied, "this host does not allow the component to send requests to the sidecar".into())
        }
        Failure::Lost => {
            (ErrorCode::Unreachable, format!("the connection to the sidecar ended before its answer did; {UNKNOWN}"))
        }
        Failure::Silence { seconds } => (
            ErrorCode::Unreachable,
            format!("the sidecar has not answered, or not in full, within {seconds} s; {UNKNOWN}"),
        ),
        Failure::TooLong { most } => (
            ErrorCode::Internal,
            format!("the program ran, and the answer has more than {most} bytes; ask for less output and fewer files"),
        ),
        Failure::Foreign(status) => foreign(status),
        Failure::Version(theirs) => (
            ErrorCode::Internal,
            format!("the sidecar speaks version {theirs} and this component {VERSION}; take both from one release"),
        ),
        Failure::Problem(problem) => (code(problem.code), problem.detail),
    }
}

/// What can be told from a status alone: of something before the sidecar, or in its place.
fn foreign(status: u16) -> (ErrorCode, String) {
    let told = |what: &str| format!("{what} (HTTP status {status})");
    match status {
        401 | 403 | 407 => {
            (ErrorCode::Unauthorised, told("the caller was refused; see that COFFERDAM_TOKEN is the sidecar's"))
        }
        413 => (ErrorCode::TooLarge, told("the request is larger than what stands before the sidecar takes")),
        429 => (ErrorCode::Overloaded, told("too many requests; try again later")),
        300..=399 => (ErrorCode::Unreachable, told("COFFERDAM_URL leads elsewhere; give the sidecar's own address")),
        500..=599 => (
            ErrorCode::Unreachable,
            told("the sidecar or what stands before it failed; whether the program ran is not known"),
        ),
        _ => (ErrorCode::Unreachable, told("what answers is not a sidecar; see that COFFERDAM_URL is its address")),
    }
}

fn code(code: cofferdam_http_api::ErrorCode) -> ErrorCode {
    use cofferdam_http_api::ErrorCode as Api;
    match code {
        Api::InvalidRequest => ErrorCode::InvalidRequest,
        Api::TooLarge => ErrorCode::TooLarge,
        Api::Denied => ErrorCode::Denied,
        Api::Unauthorised => ErrorCode::Unauthorised,
        Api::Quota => ErrorCode::Quota,
        Api::Overloaded => ErrorCode::Overloaded,
        Api::Unschedulable => ErrorCode::Unschedulable,
        Api::ImageUnavailable => ErrorCode::ImageUnavailable,
        Api::SandboxUnavailable => ErrorCode::SandboxUnavailable,
        Api::StartupTimeout => ErrorCode::StartupTimeout,
        Api::Evicted => ErrorCode::Evicted,
        Api::Cancelled => ErrorCode::Cancelled,
        Api::Unreachable => ErrorCode::Unreachable,
        Api::Internal => ErrorCode::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certainly_never_arrived_may_be_tried_again() {
        for (error, retryable) in [
            (HttpError::ConnectionRefused, true),
            (HttpError::DestinationUnavailable, true),
            // Some hosts say so of a connection that had been made.
            (HttpError::ConnectionTimeout, false),
            (HttpError::ConnectionTerminated, false),
            (HttpError::HttpProtocolError, false),
            (HttpError::HttpResponseIncomplete, false),
            (HttpError::TlsCertificateError, false),
            (HttpError::HttpRequestDenied, false),
            (HttpError::InternalError(None), false),
        ] {
            let shown = format!("{error:?}");
            assert_eq!(Error::from(Failure::from(error)).retryable, retryable, "{shown}");
        }
    }

    #[test]
    fn a_problem_is_told_in_the_sidecars_words() {
        let problem = Problem {
            r#type: "urn:cofferdam:quota".into(),
            title: "quota".into(),
            status: 429,
            detail: "all used up".into(),
            code: cofferdam_http_api::ErrorCode::Quota,
            id: Some("run-1".into()),
            retryable: true,
        };
        let error = Error::from(Failure::Problem(problem));
        assert_eq!((error.id.as_deref(), error.code, error.retryable), (Some("run-1"), ErrorCode::Quota, true));
        assert_eq!(error.message, "all used up");
    }

    #[test]
    fn a_foreign_status_has_a_code_of_the_contract() {
        for (status, expected, retryable) in [
            (301, ErrorCode::Unreachable, false),
            (401, ErrorCode::Unauthorised, false),
            (403, ErrorCode::Unauthorised, false),
            (404, ErrorCode::Unreachable, false),
            (413, ErrorCode::TooLarge, false),
            (429, ErrorCode::Overloaded, true),
            (500, ErrorCode::Unreachable, false),
            (503, ErrorCode::Unreachable, false),
        ] {
            let error = Error::from(Failure::Foreign(status));
            assert_eq!((error.code, error.retryable), (expected, retryable), "{status}");
            assert!(error.message.contains(&format!("{status}")), "{}", error.message);
        }
    }
}
