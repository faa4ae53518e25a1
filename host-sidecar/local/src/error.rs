//! Why the local backend cannot be used.

use std::{io, path::PathBuf};

/// What this machine lacks.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no gVisor.
    #[error(
        "gVisor is not on this machine: there is no `runsc` in {}PATH; install it (`make setup` in Cofferdam's \
         repository does), or name it with --runsc or COFFERDAM_RUNSC",
        cache.as_ref().map(|cache| format!("{} or ", cache.display())).unwrap_or_default()
    )]
    NoRunsc {
        /// Where set-up would have put it; none where the user has no home.
        cache: Option<PathBuf>,
    },
    /// What was named is no program.
    #[error("the setting `runsc` names {}, which is not a program that can be run", .0.display())]
    RunscNotExecutable(PathBuf),
    /// The root is not one.
    #[error("the setting `rootfs` names {}, which is not a folder", .0.display())]
    NoRootfs(PathBuf),
    /// Runs have no place.
    #[error("the folder for runs, {}, cannot be used: {source}; name another with COFFERDAM_STATE_DIR", path.display())]
    StateDir {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An unprivileged user cannot make namespaces here.
    #[error(
        "you are not root, and this kernel does not let you make user namespaces, which rootless gVisor needs: set \
         {sysctl}, or run as root"
    )]
    NoUserNamespaces {
        /// The setting of the kernel that would.
        sysctl: &'static str,
    },
}

/// Why garbage could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum GarbageError {
    /// The folder of runs cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Something could not be removed.
    #[error("what an earlier run left could not be removed: {0}")]
    Remove(#[from] io::Error),
}
