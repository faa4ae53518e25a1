//! Why another sidecar gave no outcome, and what its caller is told.

use super::convert;
use cofferdam_http_api::{Problem, VERSION};
use cofferdam_types::{Error, ErrorCode};
use std::time::Duration;

/// Why there is no outcome.
#[derive(Debug)]
pub(super) enum Failure {
    /// The token cannot stand in a header.
    Token,
    /// The request names one of these twice, which JSON has no room for.
    Twice(&'static str),
    /// No connection was made.
    NoConnection(String),
    /// No secure connection was made.
    Tls(String),
    /// The connection ended before the answer did.
    Lost,
    /// For so long nothing came.
    Silence(Duration),
    /// The answer has more bytes than one can have.
    TooLong,
    /// The answer is none of a sidecar's; this is its HTTP status.
    Foreign(u16),
    /// The sidecar speaks this version, which is another one.
    Version(String),
    /// The sidecar says why.
    Problem(Problem),
    /// The caller gave up before the sidecar had answered.
    Cancelled,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        const UNKNOWN: &str = "whether the program ran is not known";
        let unreachable = |message: String| Self::new(ErrorCode::Unreachable, message);
        match failure {
            Failure::Token => {
                Self::new(ErrorCode::Unauthorised, "COFFERDAM_TOKEN has characters that no HTTP header can have")
            }
            Failure::Twice(what) => Self::new(ErrorCode::InvalidRequest, format!("{what} is given twice")),
            Failure::NoConnection(reason) => unreachable(format!(
                "no connection to the sidecar could be made ({reason}); see that it runs, and that --sidecar is its address"
            ))
            .retryable(),
            Failure::Tls(reason) => unreachable(format!(
                "the secure connection to the sidecar failed ({reason}); a certificate that this machine does not trust \
                 can be named with SSL_CERT_FILE"
            ))
            .retryable(),
            Failure::Lost => unreachable(format!("the connection to the sidecar ended before its answer did; {UNKNOWN}")),
            Failure::Silence(time) => {
                unreachable(format!("nothing came from the sidecar for {} s; {UNKNOWN}", time.as_secs()))
            }
            Failure::TooLong => Self::new(ErrorCode::Internal, "the sidecar's answer is longer than one can be"),
            Failure::Foreign(status @ (401 | 403 | 407)) => Self::new(
                ErrorCode::Unauthorised,
                format!("the caller was refused (HTTP status {status}); see that COFFERDAM_TOKEN is the sidecar's"),
            ),
            Failure::Foreign(status @ 500..) => unreachable(format!(
                "the sidecar or what stands before it failed (HTTP status {status}); {UNKNOWN}"
            )),
            Failure::Foreign(status) => unreachable(format!(
                "what answers is not a sidecar (HTTP status {status}); see that --sidecar is its address"
            )),
            Failure::Version(theirs) => Self::new(
                ErrorCode::Internal,
                format!("the sidecar speaks version {theirs:?} and this program {VERSION}; take both from one release"),
            ),
            Failure::Problem(problem) => convert::error(problem),
            Failure::Cancelled => {
                Self::new(ErrorCode::Cancelled, "the run was cancelled before its program was seen to start")
            }
        }
    }
}
