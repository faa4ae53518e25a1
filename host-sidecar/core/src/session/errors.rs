//! What callers of sessions are told.

use super::Ended;
use cofferdam_protocol::{FileErrorKind, FileFailure};
use cofferdam_types::{Error, ErrorCode, quoted, shortened};

/// The same for a session that there never was and for one of another tenant.
pub(super) fn unknown_session() -> Error {
    // Without the id: the message lands in logs, and the id may be another tenant's.
    Error::new(
        ErrorCode::NotFound,
        "there is no session with this id; open one, or list those that there are",
    )
}

/// The answer to every call on a session that has ended.
pub(super) fn gone(ended: Ended) -> Error {
    Error::new(ErrorCode::Gone, format!("the session {ended}; open another one"))
}

pub(super) fn unknown_execution(id: &str) -> Error {
    let message = format!(
        "the session has no execution {}, or it ended too long ago; list those that there are",
        quoted(id)
    );
    Error::new(ErrorCode::NotFound, message)
}

pub(super) fn execution_ended() -> Error {
    Error::new(ErrorCode::Conflict, "the execution has ended; start another one")
}

pub(super) fn stdin_closed() -> Error {
    Error::new(ErrorCode::Conflict, "the standard input of the execution is closed")
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}

pub(super) fn denied(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Denied, message)
}

/// What the sandbox says of a file call that failed.
pub(super) fn file_failure(failure: FileFailure) -> Error {
    let path = quoted(&String::from_utf8_lossy(&failure.path));
    let reason = shortened(&failure.reason);
    let (code, text) = match failure.error {
        FileErrorKind::NotFound => (ErrorCode::NotFound, "does not exist"),
        FileErrorKind::InvalidPath => (ErrorCode::InvalidRequest, "is not a valid path"),
        FileErrorKind::Exists => (ErrorCode::Conflict, "exists already"),
        FileErrorKind::IsDirectory => (ErrorCode::InvalidRequest, "is a directory, where a file is meant"),
        FileErrorKind::NotDirectory => (ErrorCode::InvalidRequest, "is a file, where a directory is meant"),
        FileErrorKind::NotRegular => {
            (ErrorCode::InvalidRequest, "is neither a regular file nor a directory, and is not opened")
        }
        FileErrorKind::PermissionDenied => (ErrorCode::Denied, "may not be used by the program"),
        FileErrorKind::DiskFull => (ErrorCode::TooLarge, "does not fit on the disk of the session"),
        FileErrorKind::TooManyEntries => (ErrorCode::TooLarge, "has more entries than one call may handle"),
        FileErrorKind::LinkLoop => (ErrorCode::InvalidRequest, "leads through links in a circle"),
        FileErrorKind::Other => (ErrorCode::InvalidRequest, "cannot be used"),
    };
    let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
    Error::new(code, format!("the path {path} {text}{reason}"))
}
