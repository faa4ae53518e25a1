//! What a command failed on.

use crate::{
    SetupError,
    component::{ExecuteError, LoadError, types::ErrorCode},
    config::SettingsError,
    sandbox::{kubernetes, local},
    serve,
};
use cofferdam_contract::Violation;
use std::io;

/// For the person at the terminal, and by its code for a program.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    message: String,
}

impl Failure {
    /// A fault of ours.
    pub(super) fn internal(error: impl ToString) -> Self {
        Self { code: ErrorCode::Internal, message: error.to_string() }
    }
}

/// Whose fault each kind of failure is.
macro_rules! failures {
    ($($error:ty => $code:ident),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self { code: ErrorCode::$code, message: error.to_string() }
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
    serve::SetupError => InvalidRequest,
    local::GarbageError => Internal,
    kubernetes::GarbageError => Internal,
    LoadError => Internal,
    ExecuteError => Internal,
    io::Error => Internal
);
