//! Errors of the local backend.

use cofferdam_types::{Error, ErrorCode};
use std::{io, path::PathBuf};

/// Why the local backend cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// gVisor is not installed.
    #[error(
        "gVisor is not installed: there is no `runsc` in {}PATH; run `make setup` in Cofferdam's repository, or \
         install it (https://gvisor.dev/docs/user_guide/install), or give the path of `runsc` with --runsc or \
         COFFERDAM_RUNSC",
        cache.as_ref().map(|cache| format!("{} or ", cache.display())).unwrap_or_default()
    )]
    NoRunsc {
        /// Where `make setup` installs it; none if the user has no home directory.
        cache: Option<PathBuf>,
    },
    /// The setting `runsc` is not the path of a program.
    #[error("the setting `runsc` is {}, which is not an executable file", .0.display())]
    RunscNotExecutable(PathBuf),
    /// The setting `rootfs` is not the path of a directory.
    #[error("the setting `rootfs` is {}, which is not a directory", .0.display())]
    NoRootfs(PathBuf),
    /// The state directory cannot be used.
    #[error(
        "the state directory {} cannot be used: {source}; set COFFERDAM_STATE_DIR to another one",
        path.display()
    )]
    StateDir {
        /// Its path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The kernel does not allow unprivileged user namespaces.
    #[error(
        "rootless gVisor needs user namespaces, and this kernel does not allow them to users other than root; \
         set the sysctl {sysctl}, or run as root"
    )]
    NoUserNamespaces {
        /// The sysctl that allows them, with its value.
        sysctl: &'static str,
    },
}

/// Why orphaned sandboxes could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum GarbageError {
    /// The state directory cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A sandbox could not be deleted.
    #[error("an orphaned sandbox could not be deleted: {0}")]
    Remove(#[from] io::Error),
}

/// The creation of a sandbox was aborted.
pub(crate) fn creation_failed(error: impl ToString) -> Error {
    Error::internal("the creation of the sandbox was aborted", error)
}

/// A step of the creation of a sandbox failed. A later attempt may succeed.
pub(crate) fn unavailable(step: &str, error: io::Error) -> Error {
    Error::new(ErrorCode::SandboxUnavailable, "the sandbox cannot be built; the operator's log says why")
        .with_detail(format!("cannot {step}: {error}"))
        .retryable()
}
