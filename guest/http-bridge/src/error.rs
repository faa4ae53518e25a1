//! The errors of the bridge, and their messages for the caller. A message does not show the sidecar's
//! address.

use crate::environment::DEFAULT_URL;
use alloc::{
    format,
    string::{String, ToString},
};
use cofferdam_http_api::{Problem, VERSION};
use cofferdam_types::{ExceededLimit, printable};
use http_bridge_bindings::{
    exports::cofferdam::code_executor::types::{Error, ErrorCode},
    wasi::http::types::ErrorCode as HttpError,
};

/// Why there is no report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BridgeError {
    /// `COFFERDAM_URL` is not a valid address, for this reason.
    InvalidUrl(&'static str),
    /// `COFFERDAM_TOKEN` has characters that a header cannot contain.
    InvalidToken,
    /// The request has two of these with the same name, which a JSON object cannot represent.
    Duplicate(&'static str),
    /// The host or the encoder rejected the request.
    RequestNotSent,
    /// No connection was established.
    NotConnected,
    /// The TLS handshake or the TLS connection failed.
    Tls,
    /// The host forbids the request.
    ForbiddenByHost,
    /// The connection ended before the response was complete.
    ConnectionLost,
    /// The response was not complete within the timeout.
    TimedOut {
        /// The timeout.
        seconds: u64,
    },
    /// The response is larger than any outcome.
    ResponseTooLarge {
        /// Maximum number of bytes.
        max: usize,
    },
    /// The response, with this HTTP status, is not a sidecar's.
    UnexpectedResponse(u16),
    /// The sidecar has this version, which is incompatible.
    IncompatibleVersion(String),
    /// The sidecar returned an error.
    Problem(Problem),
}

/// The address is syntactically valid, but the host rejects it.
pub(crate) const REJECTED_URL: &str = "is not an address that this host accepts";

impl From<HttpError> for BridgeError {
    fn from(error: HttpError) -> Self {
        match error {
            // Only errors that no host returns once it is connected. Timeouts are not among them.
            HttpError::DnsTimeout
            | HttpError::DnsError(_)
            | HttpError::DestinationNotFound
            | HttpError::DestinationUnavailable
            | HttpError::DestinationIpUnroutable
            | HttpError::ConnectionRefused
            | HttpError::ConnectionLimitReached => Self::NotConnected,
            HttpError::DestinationIpProhibited | HttpError::HttpRequestDenied => Self::ForbiddenByHost,
            HttpError::TlsProtocolError | HttpError::TlsCertificateError | HttpError::TlsAlertReceived(_) => {
                Self::Tls
            }
            HttpError::HttpRequestUriInvalid | HttpError::HttpRequestUriTooLong => {
                Self::InvalidUrl(REJECTED_URL)
            }
            _ => Self::ConnectionLost,
        }
    }
}

impl From<BridgeError> for Error {
    fn from(error: BridgeError) -> Self {
        if let BridgeError::Problem(problem) = error {
            // The detail names the field of the HTTP API.
            let exceeded = problem.exceeded.map(|exceeded| ExceededLimit::from(*exceeded).to_string());
            let message = exceeded.unwrap_or(problem.detail);
            // The text may not be from a sidecar.
            let message = message.chars().map(printable).collect();
            return Self { id: problem.id, code: code(problem.code), message, retryable: problem.retryable };
        }
        let retryable = matches!(error, BridgeError::NotConnected | BridgeError::UnexpectedResponse(429));
        let (code, message) = describe(error);
        Self { id: None, code, message, retryable }
    }
}

fn describe(error: BridgeError) -> (ErrorCode, String) {
    const UNKNOWN: &str = "whether the program ran is not known";
    match error {
        BridgeError::InvalidUrl(reason) => (
            ErrorCode::Unreachable,
            format!("COFFERDAM_URL {reason}; set it to the sidecar's address, such as {DEFAULT_URL}"),
        ),
        BridgeError::InvalidToken => {
            (ErrorCode::Unauthorised, "COFFERDAM_TOKEN has characters that are not allowed in an HTTP header".into())
        }
        BridgeError::Duplicate(what) => (ErrorCode::InvalidRequest, format!("{what} is given twice")),
        BridgeError::RequestNotSent => (ErrorCode::Internal, "this host cannot send the request".into()),
        BridgeError::NotConnected => (
            ErrorCode::Unreachable,
            "no connection to the sidecar; check that it is running and that COFFERDAM_URL is its address".into(),
        ),
        BridgeError::Tls => (
            ErrorCode::Unreachable,
            "the secure connection to the sidecar failed; check that its certificate is valid for COFFERDAM_URL".into(),
        ),
        BridgeError::ForbiddenByHost => {
            (ErrorCode::Denied, "this host does not allow the component to send requests to the sidecar".into())
        }
        BridgeError::ConnectionLost => (
            ErrorCode::Unreachable,
            format!("the connection to the sidecar ended before the response was complete; {UNKNOWN}"),
        ),
        BridgeError::TimedOut { seconds } => (
            ErrorCode::Unreachable,
            format!("the sidecar did not respond, or not in full, within {seconds} s; {UNKNOWN}"),
        ),
        BridgeError::ResponseTooLarge { max } => (
            ErrorCode::Internal,
            format!("the program ran, but the response has more than {max} bytes; request less output or fewer files"),
        ),
        BridgeError::UnexpectedResponse(status) => describe_status(status),
        BridgeError::IncompatibleVersion(version) => (
            ErrorCode::Internal,
            format!(
                "the sidecar speaks version {version} and this component {VERSION}; use both from the same release"
            ),
        ),
        BridgeError::Problem(problem) => (code(problem.code), problem.detail),
    }
}

/// Describes a response of a proxy, or of another server at the sidecar's address. Only its status is known.
fn describe_status(status: u16) -> (ErrorCode, String) {
    let (code, text) = match status {
        401 | 403 | 407 => (
            ErrorCode::Unauthorised,
            "access was denied; check that COFFERDAM_TOKEN is a token of the sidecar",
        ),
        413 => (ErrorCode::TooLarge, "the request is larger than the proxy in front of the sidecar accepts"),
        429 => (ErrorCode::Overloaded, "too many requests; try again later"),
        300..=399 => (
            ErrorCode::Unreachable,
            "COFFERDAM_URL redirects to another address; set it to the sidecar's own address",
        ),
        500..=599 => (
            ErrorCode::Unreachable,
            "the sidecar or the proxy in front of it failed; whether the program ran is not known",
        ),
        _ => (
            ErrorCode::Unreachable,
            "the server is not a sidecar; check that COFFERDAM_URL is the sidecar's address",
        ),
    };
    (code, format!("{text} (HTTP status {status})"))
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
        // The bridge calls no session, and so gets none of their errors.
        Api::Internal | Api::NotFound | Api::Conflict | Api::Gone => ErrorCode::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_certainly_did_not_arrive_is_retryable() {
        for (error, retryable) in [
            (HttpError::ConnectionRefused, true),
            (HttpError::DestinationUnavailable, true),
            // Some hosts return this after they were connected.
            (HttpError::ConnectionTimeout, false),
            (HttpError::ConnectionTerminated, false),
            (HttpError::HttpProtocolError, false),
            (HttpError::HttpResponseIncomplete, false),
            (HttpError::TlsCertificateError, false),
            (HttpError::HttpRequestDenied, false),
            (HttpError::InternalError(None), false),
        ] {
            let name = format!("{error:?}");
            assert_eq!(Error::from(BridgeError::from(error)).retryable, retryable, "{name}");
        }
    }

    #[test]
    fn a_problem_keeps_its_code_and_detail() {
        let problem = Problem {
            r#type: "urn:cofferdam:quota".into(),
            title: "quota".into(),
            status: 429,
            detail: "all used up".into(),
            code: cofferdam_http_api::ErrorCode::Quota,
            id: Some("run-1".into()),
            retryable: true,
            exceeded: None,
        };
        let error = Error::from(BridgeError::Problem(problem));
        assert_eq!(
            (error.id.as_deref(), error.code, error.retryable),
            (Some("run-1"), ErrorCode::Quota, true)
        );
        assert_eq!(error.message, "all used up");
    }

    #[test]
    fn a_limit_above_its_ceiling_has_its_name_in_the_contract() {
        let json = r#"{"type":"t","title":"t","status":403,"detail":"limits.wall_time_ms of 2 is too much",
            "code":"denied","retryable":false,"exceeded":{"limit":"wall_time_ms","requested":2,"ceiling":1}}"#;
        let problem = serde_json::from_str(json).expect("a problem");
        let error = Error::from(BridgeError::Problem(problem));
        assert_eq!(error.message, "the limit wall-time-ms of 2 is above the operator's ceiling of 1");
    }

    #[test]
    fn the_status_of_an_unexpected_response_determines_the_error() {
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
            let error = Error::from(BridgeError::UnexpectedResponse(status));
            assert_eq!((error.code, error.retryable), (expected, retryable), "{status}");
            assert!(error.message.contains(&format!("{status}")), "{}", error.message);
        }
    }
}
