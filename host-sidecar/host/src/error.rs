//! Errors of this program.

use cofferdam::{SetupError, config::SettingsError};
use std::{io, path::PathBuf};

/// Why a component did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// A setting is invalid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The backend cannot be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The file is not a component, or it imports what this program does not have.
    #[error("{path} cannot be loaded: {source:#}", path = path.display())]
    Component {
        /// The file of the component.
        path: PathBuf,
        /// What wasmtime says.
        source: wasmtime::Error,
    },
    /// A directory of `--dir` cannot be opened.
    #[error("--dir {path} cannot be opened: {source:#}", path = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What failed.
        source: wasmtime::Error,
    },
    /// There is no function to call, or the text of `--invoke` is not a call of it.
    #[error("{0}")]
    Invoke(String),
    /// The guest trapped, or exceeded a limit.
    #[error("the component failed: {0:#}")]
    Guest(#[from] wasmtime::Error),
    /// The address cannot be bound.
    #[error("--listen {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What failed.
        source: io::Error,
    },
    /// Signals cannot be received, or standard output cannot be written to.
    #[error(transparent)]
    Io(#[from] io::Error),
}
