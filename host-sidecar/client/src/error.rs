//! Errors of the client, and their messages.

use cofferdam_http_api::{Problem, VERSION};
use cofferdam_types::{Error, ErrorCode, ExceededLimit};
use std::time::Duration;

const UNKNOWN: &str = "whether the program ran is not known";

/// Why there is no outcome.
#[derive(Debug)]
pub(super) enum ClientError {
    /// The token has characters that are not allowed in a header.
    InvalidToken,
    /// The request has two of these with the same name, which JSON cannot represent.
    Duplicate(&'static str),
    /// The connection failed.
    NotConnected(String),
    /// The TLS handshake failed.
    Tls(String),
    /// The connection ended before the response was complete.
    ConnectionLost,
    /// The sidecar sent nothing for this time.
    TimedOut(Duration),
    /// The request or the response is too large.
    TooLarge,
    /// The response, with this HTTP status, is not a sidecar's.
    UnexpectedResponse(u16),
    /// The sidecar has this incompatible version.
    IncompatibleVersion(String),
    /// The sidecar's own error.
    Problem(Problem),
    /// The files of the request could not be read.
    Files(Error),
    /// The caller cancelled before the sidecar accepted the execution.
    Cancelled,
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        let unreachable = |message: String| Self::new(ErrorCode::Unreachable, message);
        match error {
            ClientError::InvalidToken => Self::new(
                ErrorCode::Unauthorised,
                "COFFERDAM_TOKEN has characters that are not allowed in an HTTP header",
            ),
            ClientError::Duplicate(what) => Self::new(ErrorCode::InvalidRequest, format!("{what} is given twice")),
            ClientError::NotConnected(reason) => unreachable(format!(
                "no connection to the sidecar ({reason}); check that it is running and that --sidecar is its address"
            ))
            .retryable(),
            ClientError::Tls(reason) => unreachable(format!(
                "the secure connection to the sidecar failed ({reason}); if this machine does not trust the certificate, \
                 name it in SSL_CERT_FILE"
            ))
            .retryable(),
            ClientError::ConnectionLost => unreachable(format!(
                "the connection to the sidecar ended before the response was complete; {UNKNOWN}"
            )),
            ClientError::TimedOut(time) => {
                unreachable(format!("the sidecar sent nothing for {} s; {UNKNOWN}", time.as_secs()))
            }
            ClientError::TooLarge => {
                Self::new(ErrorCode::Internal, "the request or the response exceeds the size limit of the client")
            }
            ClientError::UnexpectedResponse(status) => describe_status(status),
            ClientError::IncompatibleVersion(version) => Self::new(
                ErrorCode::Internal,
                format!(
                    "the sidecar speaks version {version:?} and this program {VERSION}; use both from the same release"
                ),
            ),
            ClientError::Problem(problem) => {
                // The detail names the field of the HTTP API.
                let exceeded = problem.exceeded.map(|exceeded| ExceededLimit::from(*exceeded));
                let message = exceeded.as_ref().map_or(problem.detail, ToString::to_string);
                let error = Self::new(problem.code, message);
                Self { id: problem.id, retryable: problem.retryable, exceeded, ..error }
            }
            ClientError::Files(error) => error,
            ClientError::Cancelled => {
                Self::new(ErrorCode::Cancelled, "the execution was cancelled before the sidecar accepted it")
            }
        }
    }
}

/// Describes a response of a proxy, or of another server at the sidecar's address. Only its status is known.
fn describe_status(status: u16) -> Error {
    let (code, text, advice) = match status {
        401 | 403 | 407 => (
            ErrorCode::Unauthorised,
            "access was denied",
            "check that COFFERDAM_TOKEN is a token of the sidecar",
        ),
        500.. => (ErrorCode::Unreachable, "the sidecar, or a proxy in front of it, failed", UNKNOWN),
        _ => (ErrorCode::Unreachable, "the server is not a sidecar", "check that --sidecar is its address"),
    };
    Error::new(code, format!("{text} (HTTP status {status}); {advice}"))
}
