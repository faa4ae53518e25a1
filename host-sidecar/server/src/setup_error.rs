//! Why a sidecar cannot serve.

use crate::config::Listen;
use std::{io, net::SocketAddr, path::PathBuf};

/// Why a sidecar cannot serve. Each error names the setting, the file or the socket that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token file is malformed, or accessible to other users.
    #[error("the token file {} {problem}", path.display())]
    TokenFile {
        /// The token file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A tenant has settings but no token.
    #[error("the setting `tenants.{name}` names a tenant without a token; tenants with a token: {known}")]
    UnknownTenant {
        /// The tenant.
        name: String,
        /// The tenants that have a token, separated by commas.
        known: String,
    },
    /// The input directory cannot be read.
    #[error("the input directory {} cannot be read: {source} (mcp.input_dir)", path.display())]
    InputDir {
        /// The directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The certificates or their private key cannot be used.
    #[error("the file {} cannot be used for TLS: {problem}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The socket's default path is unknown.
    #[error("no default path for the socket: XDG_RUNTIME_DIR is not set; set a path with --listen unix:PATH")]
    NoRuntimeDir,
    /// Other machines can reach the address, and requests would need no token.
    #[error("{0} can be reached from other machines; listening there requires --token-file")]
    NeedsToken(SocketAddr),
    /// The socket cannot be opened.
    #[error("the sidecar cannot listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: Listen,
        /// The operating system's error.
        source: io::Error,
    },
}
