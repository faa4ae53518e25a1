//! Accepts connections within their limit, and serves HTTP on them.

use super::{
    busy::{BusyBody, BusyGuard},
    drain_body::DrainOnDrop,
    listen::BoundSocket,
    table::{Connection, ConnectionTable, Peer},
    timeout_stream::TimeoutStream,
};
use crate::{middleware::origin::Transport, router::router, state::AppState};
use axum::{Router, body::Body, extract::Request, response::Response, serve::Listener};
use http::header;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Maximum bytes of the head of a request, and of other input that is read ahead.
const MAX_HEAD: usize = 64 << 10;
/// Below this size, hyper doubles its buffer before it checks the limit.
const MAX_BUFFER: usize = MAX_HEAD / 2;

/// Accepts connections on the sockets of a sidecar.
pub(crate) struct Acceptor {
    state: Arc<AppState>,
    router: Router,
    tls: Option<TlsAcceptor>,
    table: Arc<ConnectionTable>,
}

impl Acceptor {
    pub(crate) fn new(state: &Arc<AppState>, tls: Option<TlsAcceptor>) -> Self {
        let max = usize::try_from(state.config.max_connections).unwrap_or(usize::MAX);
        Self { state: state.clone(), router: router(state), tls, table: ConnectionTable::new(max) }
    }

    /// Accepts connections until the shutdown, then waits for the end of all of them. Idle connections are
    /// closed at once, the others when their responses are complete.
    pub(crate) async fn accept(self: Arc<Self>, socket: BoundSocket) -> io::Result<()> {
        let connections = TaskTracker::new();
        match socket {
            BoundSocket::Unix(listener, file) => {
                let mut listener = UnixListener::from_std(listener)?;
                self.accept_unix(&mut listener, &connections).await;
                // Before the listener closes: then another sidecar may replace the file.
                drop(file);
            }
            BoundSocket::Tcp(listener, address) => {
                self.accept_tcp(TcpListener::from_std(listener)?, address, &connections).await;
            }
        }
        connections.close();
        connections.wait().await;
        Ok(())
    }

    async fn accept_unix(self: &Arc<Self>, listener: &mut UnixListener, connections: &TaskTracker) {
        let peer =
            |stream: &UnixStream, _| Peer::User(stream.peer_cred().map_or(u32::MAX, |peer| peer.uid()));
        while let Some((stream, connection)) = self.next(listener, peer).await {
            connections.spawn(self.clone().serve(stream, Transport::Unix, connection));
        }
    }

    async fn accept_tcp(
        self: &Arc<Self>,
        mut listener: TcpListener,
        address: SocketAddr,
        connections: &TaskTracker,
    ) {
        let peer = |_: &_, address: SocketAddr| Peer::of_address(address.ip());
        while let Some((stream, connection)) = self.next(&mut listener, peer).await {
            // Sends each event at once.
            let _ = stream.set_nodelay(true);
            connections.spawn(self.clone().serve_tcp(stream, Transport::Tcp(address), connection));
        }
    }

    /// Accepts the next connection when the table has room for it; `None` at the shutdown.
    async fn next<L: Listener>(
        &self,
        listener: &mut L,
        peer: impl Fn(&L::Io, L::Addr) -> Peer,
    ) -> Option<(L::Io, Arc<Connection>)> {
        let accepted = async {
            let (stream, address) = listener.accept().await;
            let peer = peer(&stream, address);
            (stream, Arc::new(self.table.admit(peer).await))
        };
        self.state.shutting_down.run_until_cancelled(accepted).await
    }

    /// Serves a TCP connection, with TLS if it is configured.
    async fn serve_tcp(
        self: Arc<Self>,
        stream: TcpStream,
        transport: Transport,
        connection: Arc<Connection>,
    ) {
        let Some(tls) = &self.tls else { return self.serve(stream, transport, connection).await };
        connection.activity.is_waiting.store(true, Ordering::Relaxed);
        let handshake = timeout(self.state.config.header_seconds.0, tls.accept(stream));
        match connection.closed.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => self.clone().serve(stream, transport, connection).await,
            Some(Ok(Err(error))) => tracing::debug!(%error, "a TLS handshake failed"),
            Some(Err(_)) => tracing::debug!("a TLS handshake timed out"),
            None => {}
        }
    }

    /// Serves HTTP on a connection. When the caller disconnects, the handlers of its requests are dropped.
    async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        transport: Transport,
        connection: Arc<Connection>,
    ) {
        let service = service_fn(|request| respond(&self.router, request, transport, &connection));
        let (header_timeout, max_delay) =
            (self.state.config.header_seconds.0, self.state.config.answer_seconds.0);
        let stream = TimeoutStream::new(stream, max_delay, connection.activity.clone());
        let mut http = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(header_timeout)
                .max_buf_size(MAX_BUFFER)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
        );
        let serve = async {
            if let Some(result) = self.state.shutting_down.run_until_cancelled(http.as_mut()).await {
                return result;
            }
            http.as_mut().graceful_shutdown();
            http.await
        };
        match connection.closed.run_until_cancelled(serve).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%error, "a connection ended with an error"),
            None => tracing::debug!("a connection was closed to make room for another"),
        }
    }
}

async fn respond(
    router: &Router,
    request: hyper::Request<Incoming>,
    transport: Transport,
    connection: &Arc<Connection>,
) -> Result<hyper::Response<BusyBody>, Infallible> {
    // A caller that expects `100 Continue` sends its body only after that, so there is no rest to discard.
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let mut request: Request = request
        .map(|body| if expects_continue { Body::new(body) } else { Body::new(DrainOnDrop::new(body)) });
    request.extensions_mut().insert(transport);
    request.extensions_mut().insert(Arc::downgrade(connection));
    let guard = BusyGuard::new(&connection.activity);
    let response: Response = router.clone().oneshot(request).await?;
    Ok(response.map(|body| BusyBody::new(body, guard)))
}
