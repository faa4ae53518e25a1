//! A sidecar: its sockets, and its life from the first connection to the shutdown.

use crate::{
    config::ServerConfig,
    connections::{
        acceptor::Acceptor,
        listen::{self, BoundSocket},
        tls,
    },
    setup_error::SetupError,
    state::AppState,
};
use cofferdam_core::Runtime;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Time in which callers may read their responses once all executions have ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A sidecar whose sockets are open and that does not accept connections yet.
pub struct Service {
    state: Arc<AppState>,
    sockets: Vec<BoundSocket>,
    tls: Option<TlsAcceptor>,
}

impl Service {
    /// Opens the sockets of the settings.
    ///
    /// # Errors
    ///
    /// [`SetupError`], naming the setting, the file or the socket that is wrong.
    pub fn new(config: &ServerConfig, runtime: Runtime) -> Result<Self, SetupError> {
        let state = Arc::new(AppState::new(config, runtime)?);
        let tls = tls::acceptor(&config.serve)?;
        Ok(Self { state, sockets: listen::bind(&config.serve)?, tls })
    }

    /// The addresses of its sockets: `unix:PATH`, or `http[s]://HOST:PORT`.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.sockets.iter().map(move |socket| match socket {
            BoundSocket::Unix(_, file) => format!("unix:{}", file.path().display()),
            BoundSocket::Tcp(_, address) => format!("{scheme}://{address}"),
        })
    }

    /// Serves until `stop` is cancelled. Then it accepts no more requests, lets executions continue for
    /// `serve.grace_seconds`, cancels the others, and returns when all have ended.
    pub async fn run(self, stop: CancellationToken) {
        let Self { state, sockets, tls } = self;
        let acceptor = Arc::new(Acceptor::new(&state, tls));
        let mut listeners = JoinSet::new();
        for socket in sockets {
            listeners.spawn(acceptor.clone().accept(socket));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // A listener ends before the shutdown only if the runtime cannot register its socket.
            Some(Ok(Err(error))) = listeners.join_next() => tracing::error!(%error, "a socket cannot be used"),
        }
        state.shutting_down.cancel();
        state.tasks.close();
        if timeout(state.config.grace_seconds.0, state.tasks.wait()).await.is_err() {
            state.registry.cancel_all();
            state.grace_over.cancel();
            state.tasks.wait().await;
        }
        let _ = timeout(SHUTDOWN_TIMEOUT, listeners.join_all()).await;
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}
