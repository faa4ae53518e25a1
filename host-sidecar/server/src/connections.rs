//! Connections: accepted within their bound, served, and let end.

use super::{
    connection_table::{Activity, Connection, ConnectionTable, Peer},
    guard::Way,
    listen::Bound,
    patient::Patient,
    router::router,
    server::Server,
    unread::HeardOut,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::header,
    response::Response,
    serve::Listener,
};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Bytes of the head of a request, and of what else is read ahead.
const MAX_HEAD: usize = 64 << 10;
/// Of a buffer that has not reached this size, hyper reads as much again before it looks.
const BUFFER: usize = MAX_HEAD / 2;

/// Accepts from the sockets of a server.
pub(super) struct Acceptor {
    server: Arc<Server>,
    router: Router,
    tls: Option<TlsAcceptor>,
    table: Arc<ConnectionTable>,
}

impl Acceptor {
    pub(super) fn new(server: &Arc<Server>, tls: Option<TlsAcceptor>) -> Self {
        let most = usize::try_from(server.bounds.max_connections).unwrap_or(usize::MAX);
        Self { server: server.clone(), router: router(server), tls, table: ConnectionTable::new(most) }
    }

    /// Accepts until the server ends, then waits for the end of all connections. Idle ones are closed at once, and others
    /// when their answers are complete.
    pub(super) async fn accept(self: Arc<Self>, bound: Bound) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        match bound {
            Bound::Unix(listener, file) => {
                let mut listener = UnixListener::from_std(listener)?;
                let peer = |stream: &UnixStream, _| Peer::User(stream.peer_cred().map_or(u32::MAX, |peer| peer.uid()));
                while let Some((stream, connection)) = self.next(&mut listener, peer).await {
                    tokio::spawn(self.clone().serve(stream, Way::Unix, graceful.watcher(), connection));
                }
                // Before the socket closes: a file that nobody listens on may be replaced by another sidecar's.
                drop(file);
            }
            Bound::Tcp(listener, address) => {
                let mut listener = TcpListener::from_std(listener)?;
                let peer = |_: &_, address: std::net::SocketAddr| Peer::of_address(address.ip());
                while let Some((stream, connection)) = self.next(&mut listener, peer).await {
                    // An event of a stream goes out when it happens.
                    let _ = stream.set_nodelay(true);
                    let (this, way, watcher) = (self.clone(), Way::Tcp(address), graceful.watcher());
                    tokio::spawn(async move {
                        let Some(tls) = &this.tls else { return this.serve(stream, way, watcher, connection).await };
                        connection.activity.is_waiting.store(true, Ordering::Relaxed);
                        let shaken = timeout(this.server.bounds.header_seconds.0, tls.accept(stream));
                        match connection.closed.run_until_cancelled(shaken).await {
                            Some(Ok(Ok(stream))) => this.clone().serve(stream, way, watcher, connection).await,
                            Some(Ok(Err(error))) => tracing::debug!(%error, "a TLS handshake failed"),
                            Some(Err(_)) => tracing::debug!("a TLS handshake took too long"),
                            None => {}
                        }
                    });
                }
            }
        }
        graceful.shutdown().await;
        Ok(())
    }

    /// The next connection, once there is room for it; none when the server ends.
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
        self.server.ending.run_until_cancelled(accepted).await
    }

    /// Serves one connection. A caller who hangs up ends it, and with it the handlers of its requests.
    async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        way: Way,
        watcher: Watcher,
        connection: Arc<Connection>,
    ) {
        let router = &self.router;
        let (activity, handle) = (&connection.activity, &connection);
        let service = service_fn(move |request: hyper::Request<Incoming>| async move {
            // Who waits to be told to go on sends nothing that would have to be heard.
            let waits = request.headers().contains_key(header::EXPECT);
            let hear = |body| if waits { Body::new(body) } else { Body::new(HeardOut::new(body)) };
            let mut request: Request = request.map(hear);
            request.extensions_mut().insert(way);
            request.extensions_mut().insert(Arc::downgrade(handle));
            let busy = Busy::new(activity);
            let response: Response = router.clone().oneshot(request).await?;
            Ok::<_, std::convert::Infallible>(response.map(|body| WithBusy { body, _busy: busy }))
        });
        let patience = self.server.bounds.answer_seconds.0;
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.server.bounds.header_seconds.0)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Patient::new(stream, patience, activity.clone())), service);
        match connection.closed.run_until_cancelled(watcher.watch(http)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%error, "a connection broke off"),
            None => tracing::debug!("a connection was closed to make room for another one"),
        }
    }
}

/// A request is under way on a connection, until this is dropped.
struct Busy(Arc<Activity>);

impl Busy {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.is_busy.store(true, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.is_busy.store(false, Ordering::Relaxed);
    }
}

/// The body of an answer, with which a request ends.
struct WithBusy {
    body: Body,
    _busy: Busy,
}

impl HttpBody for WithBusy {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
