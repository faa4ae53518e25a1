//! Connections: accepted within their bound, served, and let end.

use super::{guard::Way, listen::Bound, patient::Patient, router::router, server::Server, unread::HeardOut};
use axum::{Router, body::Body, extract::Request, http::header, serve::Listener};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a caller may take nothing of an answer.
const STALL: Duration = Duration::from_secs(60);

/// Accepts from the sockets of a server.
pub(super) struct Acceptor {
    server: Arc<Server>,
    router: Router,
    tls: Option<TlsAcceptor>,
    connections: Arc<Semaphore>,
}

impl Acceptor {
    pub(super) fn new(server: &Arc<Server>, tls: Option<TlsAcceptor>) -> Self {
        let most = usize::try_from(server.bounds.max_connections).unwrap_or(Semaphore::MAX_PERMITS);
        Self { server: server.clone(), router: router(server), tls, connections: Arc::new(Semaphore::new(most)) }
    }

    /// Accepts until the server ends, then waits for the end of all connections. Idle ones are closed at once, and others
    /// when their answers are complete.
    pub(super) async fn accept(self: Arc<Self>, bound: Bound) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        match bound {
            Bound::Unix(listener, file) => {
                let mut listener = UnixListener::from_std(listener)?;
                while let Some((stream, room)) = self.next(&mut listener).await {
                    tokio::spawn(self.clone().serve(stream, Way::Unix, graceful.watcher(), room));
                }
                // Before the socket closes: a file that nobody listens on may be replaced by another sidecar's.
                drop(file);
            }
            Bound::Tcp(listener, address) => {
                let mut listener = TcpListener::from_std(listener)?;
                while let Some((stream, room)) = self.next(&mut listener).await {
                    // An event of a stream goes out when it happens.
                    let _ = stream.set_nodelay(true);
                    let (this, way, watcher) = (self.clone(), Way::Tcp(address), graceful.watcher());
                    tokio::spawn(async move {
                        let Some(tls) = &this.tls else { return this.serve(stream, way, watcher, room).await };
                        match timeout(this.server.bounds.header_seconds.0, tls.accept(stream)).await {
                            Ok(Ok(stream)) => this.clone().serve(stream, way, watcher, room).await,
                            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                            Err(_) => tracing::debug!("a TLS handshake took too long"),
                        }
                    });
                }
            }
        }
        graceful.shutdown().await;
        Ok(())
    }

    /// The next connection, once there is room for one; none when the server ends.
    async fn next<L: Listener>(&self, listener: &mut L) -> Option<(L::Io, OwnedSemaphorePermit)> {
        let accepted = async {
            let room = self.connections.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await.0, room))
        };
        tokio::select! {
            accepted = accepted => accepted,
            () = self.server.ending.cancelled() => None,
        }
    }

    /// Serves one connection. A caller who hangs up ends it, and with it the handlers of its requests.
    async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        way: Way,
        watcher: Watcher,
        _room: OwnedSemaphorePermit,
    ) {
        let router = &self.router;
        let service = service_fn(|request: hyper::Request<Incoming>| {
            // Who waits to be told to go on sends nothing that would have to be heard.
            let waits = request.headers().contains_key(header::EXPECT);
            let hear = |body| if waits { Body::new(body) } else { Body::new(HeardOut::new(body)) };
            let mut request: Request = request.map(hear);
            request.extensions_mut().insert(way);
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.server.bounds.header_seconds.0)
            .serve_connection(TokioIo::new(Patient::new(stream, STALL)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}
