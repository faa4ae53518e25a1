//! Failures of commands.

use crate::{config::SettingsError, setup::SetupError};
use cofferdam_types::{Error, ErrorCode, validation::Violation};
use std::io;

/// A failure with a message for the terminal and a code for JSON.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    message: String,
    /// Whether it only means that the reader has closed standard output.
    pub(super) is_stdout_closed: bool,
}

impl Failure {
    /// An internal error.
    pub(super) fn internal(error: impl ToString) -> Self {
        Self { code: ErrorCode::Internal, message: error.to_string(), is_stdout_closed: false }
    }

    /// The reader has closed standard output.
    pub(super) fn stdout_closed() -> Self {
        let message = "the reader has closed standard output".into();
        Self { code: ErrorCode::Cancelled, message, is_stdout_closed: true }
    }
}

/// The code of each kind of error.
macro_rules! failures {
    ($($error:ty => $code:ident),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self { code: ErrorCode::$code, message: error.to_string(), is_stdout_closed: false }
            }
        }
    )*};
}

failures!(
    String => InvalidRequest,
    &str => InvalidRequest,
    SettingsError => InvalidRequest,
    Violation => InvalidRequest,
    cofferdam_images::ImageError => ImageUnavailable,
    cofferdam_server::SetupError => InvalidRequest,
    cofferdam_local::GarbageError => Internal,
    cofferdam_kubernetes::GarbageError => Internal,
    io::Error => Internal
);

impl From<Error> for Failure {
    fn from(Error { code, message, .. }: Error) -> Self {
        Self { code, message, is_stdout_closed: false }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        let code = match error {
            SetupError::Images(_) => ErrorCode::ImageUnavailable,
            _ => ErrorCode::SandboxUnavailable,
        };
        Self { code, message: error.to_string(), is_stdout_closed: false }
    }
}
