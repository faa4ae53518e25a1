//! The sidecar over HTTP: what `cofferdam serve` is.

mod access;
mod admission;
mod answer;
mod auth;
mod body;
mod budget;
mod config;
mod connection_table;
mod connections;
mod convert;
mod execution;
mod guard;
mod header_list;
mod health;
mod json_syntax;
mod listen;
mod lookup;
mod mcp;
mod metrics;
mod negotiate;
mod openapi;
mod patient;
mod pool_collector;
mod post;
mod prefer;
mod problem;
#[cfg(any(test, fuzzing))]
mod promises;
mod records;
mod registry;
mod router;
mod run;
mod server;
mod server_sent;
mod shared_body;
mod stream;
pub mod telemetry;
mod tenants;
mod tls;
mod token_file;
mod unread;
mod version;

use axum::{
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cofferdam_core::Runtime;
use cofferdam_http_api::Problem;
use cofferdam_types::Error;
pub use config::{Listen, MalformedListen, ServeConfig, ServerConfig, TenantConfig};
use connections::Acceptor;
use listen::Bound;
pub use mcp::{McpConfig, serve_stdio};
#[cfg(any(test, fuzzing))]
pub use promises::{message, request};
use server::Server;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How long answers may take to be read once all runs are over and the sidecar ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a sidecar cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of tokens is not one, or not private.
    #[error("the token file {} {problem}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A tenant has settings and no token.
    #[error("the setting `tenants.{name}` is of a tenant that has no token; there is: {known}")]
    UnknownTenant {
        /// The tenant.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A certificate or its key cannot be used.
    #[error("the file {} cannot be used for TLS: {problem}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no default for the socket's path.
    #[error(
        "there is no folder for the sidecar's socket: XDG_RUNTIME_DIR is not set; name one with --listen unix:PATH"
    )]
    NoPlace,
    /// Others than this machine's users would reach it.
    #[error("{0} can be reached from other machines, so the sidecar does not listen there without --token-file")]
    NeedsToken(SocketAddr),
    /// The socket cannot be had.
    #[error("the sidecar cannot listen on {listen}: {source}")]
    Listen {
        /// The socket.
        listen: Listen,
        /// Why not.
        source: io::Error,
    },
}

/// A sidecar that has its sockets and does not accept from them yet.
pub struct Service {
    server: Arc<Server>,
    bound: Vec<Bound>,
    tls: Option<TlsAcceptor>,
}

impl Service {
    /// Opens the sockets that the settings name. To be called before there are threads.
    ///
    /// # Errors
    ///
    /// [`SetupError`], naming the setting, the file or the socket that is wrong.
    pub fn new(config: &ServerConfig, runtime: Runtime) -> Result<Self, SetupError> {
        let server = Arc::new(Server::new(config, runtime)?);
        let tls = tls::acceptor(&config.serve)?;
        Ok(Self { server, bound: listen::bind(&config.serve)?, tls })
    }

    /// Where it can be reached.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.bound.iter().map(move |bound| match bound {
            Bound::Unix(_, file) => format!("unix:{}", file.path().display()),
            Bound::Tcp(_, address) => format!("{scheme}://{address}"),
        })
    }

    /// Serves until `stop` is set; then it takes no more, lets runs go on for the time that the settings give, cancels the
    /// rest, and returns when all of them are over.
    pub async fn run(self, stop: CancellationToken) {
        let Self { server, bound, tls } = self;
        let acceptor = Arc::new(Acceptor::new(&server, tls));
        let mut listeners = JoinSet::new();
        for bound in bound {
            listeners.spawn(acceptor.clone().accept(bound));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // None ends before it is told to, but for one that cannot be had by the runtime.
            Some(Ok(Err(error))) = listeners.join_next() => tracing::error!(%error, "a socket cannot be used"),
        }
        server.ending.cancel();
        server.tasks.close();
        if timeout(server.bounds.grace_seconds.0, server.tasks.wait()).await.is_err() {
            server.registry.cancel_all();
            server.tasks.wait().await;
        }
        let _ = timeout(FAREWELL, listeners.join_all()).await;
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// The problem that the HTTP API returns for this error, without the operator's detail.
#[must_use]
pub fn to_problem(error: Error) -> Problem {
    problem::of_error(error)
}

/// An answer in JSON that these parts make.
fn json_parts(status: StatusCode, parts: Vec<Bytes>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], shared_body::body(parts)).into_response()
}
