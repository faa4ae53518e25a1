//! What a command failed on.

use crate::{config::SettingsError, setup::SetupError};
use cofferdam_types::{ErrorCode, validation::Violation};
use std::io;

/// For the person at the terminal, and by its code for a program.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    message: String,
    /// Whoever read standard output has gone away, and misses nothing.
    pub(super) has_reader_left: bool,
}

impl Failure {
    /// A fault of ours.
    pub(super) fn internal(error: impl ToString) -> Self {
        Self { code: ErrorCode::Internal, message: error.to_string(), has_reader_left: false }
    }

    /// Nobody reads standard output any more.
    pub(super) fn reader_left() -> Self {
        let message = "nobody reads standard output any more".into();
        Self { code: ErrorCode::Cancelled, message, has_reader_left: true }
    }
}

/// Whose fault each kind of failure is.
macro_rules! failures {
    ($($error:ty => $code:ident),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self { code: ErrorCode::$code, message: error.to_string(), has_reader_left: false }
            }
        }
    )*};
}

failures!(
    String => InvalidRequest,
    &str => InvalidRequest,
    SettingsError => InvalidRequest,
    Violation => InvalidRequest,
    SetupError => SandboxUnavailable,
    cofferdam_server::SetupError => InvalidRequest,
    cofferdam_local::GarbageError => Internal,
    cofferdam_kubernetes::GarbageError => Internal,
    io::Error => Internal
);
