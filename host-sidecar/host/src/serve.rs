//! `cofferdam-host serve`: a component that handles HTTP requests, with an instance for each.

use crate::{
    cli::ServeArgs,
    error::HostError,
    guest::{Guest, GuestData},
    signals::{ABORT_TIMEOUT, EndSignals},
    wasi,
};
use bytes::Bytes;
use cofferdam::{Runtime, config};
use http::{Request, Response, StatusCode, header::HOST};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io::{self, Write, stderr},
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::Interest,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use wasmtime_wasi_http::{
    Error, WasiHttpView,
    p2::{
        bindings::{ProxyPre, http::types::Scheme},
        body::HyperOutgoingBody,
    },
};

/// Time for a caller to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections for each request that is handled; more wait in the kernel's queue.
const CONNECTIONS_PER_REQUEST: usize = 4;

/// A body of a response: the guest's, or the text of an error.
type Body = UnsyncBoxBody<Bytes, Error>;

/// What all connections share.
struct Server {
    args: ServeArgs,
    guest: Guest,
    proxy: ProxyPre<GuestData>,
    runtime: Runtime,
    permits: Arc<Semaphore>,
    cancelled: CancellationToken,
    instances: TaskTracker,
}

/// Serves until a signal asks this process to end.
pub(crate) async fn serve(args: ServeArgs) -> Result<ExitCode, HostError> {
    let runtime = config::load(&args.guest.backend)?.with_own_unpacker().pooled_runtime()?;
    let guest = Guest::load(&args.component)?;
    let failed = |source| HostError::Component { path: args.component.clone(), source };
    let proxy = ProxyPre::new(guest.linked.clone()).map_err(failed)?;
    // A directory that cannot be opened is an error now, not one of each request.
    wasi::context(&args.guest, &[], false)?;
    // Until now there is no sandbox, and a signal ends the process at once.
    let mut signals = EndSignals::receive()?;
    let unbound = |source| HostError::Listen { address: args.listen.to_string(), source };
    let listener = TcpListener::bind(args.listen).await.map_err(unbound)?;
    writeln!(stderr(), "cofferdam-host: listening on http://{}", listener.local_addr()?)?;
    let server = Arc::new(Server {
        permits: Arc::new(Semaphore::new(args.max_requests.get().into())),
        args,
        guest,
        proxy,
        runtime,
        cancelled: CancellationToken::new(),
        instances: TaskTracker::new(),
    });
    let connections = TaskTracker::new();
    tokio::select! {
        never = server.accept(&listener, &connections) => match never {},
        _ = signals.next() => {}
    }
    server.cancelled.cancel();
    for tasks in [&connections, &server.instances] {
        tasks.close();
        // An instance ends at its next wait, unless its thread is blocked.
        let _ = timeout(ABORT_TIMEOUT, tasks.wait()).await;
    }
    server.runtime.drain().await;
    Ok(ExitCode::SUCCESS)
}

impl Server {
    /// Accepts connections, and serves each in a task.
    async fn accept(self: &Arc<Self>, listener: &TcpListener, connections: &TaskTracker) -> Infallible {
        let slots = usize::from(self.args.max_requests.get()) * CONNECTIONS_PER_REQUEST;
        let slots = Arc::new(Semaphore::new(slots));
        loop {
            let slot = slots.clone().acquire_owned().await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = self.clone();
                    connections.spawn(async move {
                        server.serve_one(stream).await;
                        drop(slot);
                    });
                }
                // Such as too many open files: a connection that ends makes room.
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Serves one request. A connection has one alone, so that one limit bounds the time of a slow caller, of the guest,
    /// and of its executions.
    async fn serve_one(self: Arc<Self>, stream: TcpStream) {
        let (stream, disconnected) = match with_disconnection(stream) {
            Ok(both) => both,
            Err(error) => return tracing::warn!(%error, "a connection cannot be served"),
        };
        let server = self.clone();
        let handle = service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.respond(request).await) }
        });
        let mut http = http1::Builder::new();
        http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        let connection = http.serve_connection(TokioIo::new(stream), handle);
        // Dropping the connection drops the instance, which cancels its executions.
        tokio::select! {
            result = connection => if let Err(error) = result {
                tracing::debug!(%error, "a connection broke");
            },
            () = disconnected => tracing::debug!("a caller disconnected"),
            () = sleep(self.args.request_time.0) => tracing::warn!("a request took longer than --request-seconds"),
            () = self.cancelled.cancelled() => {}
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        // The library fails for a request without a host.
        if request.uri().authority().is_none() && !request.headers().contains_key(HOST) {
            return text(StatusCode::BAD_REQUEST, "The request has no Host header.\n");
        }
        match self.handle(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the component did not handle a request");
                let message = "The component did not handle the request; the log of its host says why.\n";
                text(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        }
    }

    /// Handles a request in an instance of its own, which ends with the body of its response.
    async fn handle(&self, request: Request<Incoming>) -> wasmtime::Result<Response<Body>> {
        let permit = self.permits.clone().acquire_owned().await?;
        let wasi = wasi::context(&self.args.guest, &[], false)?;
        let (mut store, computing_time) = self.guest.store(&self.args.guest, wasi, &self.runtime);
        let (sender, receiver) = oneshot::channel();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let response = store.data_mut().http().new_response_outparam(sender)?;
        let proxy = self.proxy.clone();
        // A caller that is gone drops the handle, and so the instance with its executions.
        let instance = AbortOnDropHandle::new(self.instances.spawn(async move {
            let call = async {
                let instance = proxy.instantiate_async(&mut store).await?;
                instance.wasi_http_incoming_handler().call_handle(&mut store, request, response).await
            };
            let result = computing_time.measure(call).await;
            drop(permit);
            result
        }));
        match receiver.await {
            Ok(response) => {
                let keep = Some(instance);
                Ok(response?.map(|body| InstanceBody { body, keep }.boxed_unsync()))
            }
            // The guest ended without a response.
            Err(_) => match instance.await? {
                Ok(()) => Err(wasmtime::format_err!("the component set no response")),
                Err(error) => Err(error),
            },
        }
    }
}

/// A stream, and a future that ends when its peer has closed its end. hyper sees that only after it has read everything
/// before it, which a guest that reads no body prevents.
fn with_disconnection(stream: TcpStream) -> io::Result<(TcpStream, impl Future<Output = ()>)> {
    let stream = stream.into_std()?;
    let watched = TcpStream::from_std(stream.try_clone()?)?;
    let disconnected = async move {
        while let Ok(ready) = watched.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // Waits for the next change of the socket.
            let _ = watched.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
    };
    Ok((TcpStream::from_std(stream)?, disconnected))
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The body of a response, and the instance that writes it.
struct InstanceBody {
    body: HyperOutgoingBody,
    keep: Option<AbortOnDropHandle<wasmtime::Result<()>>>,
}

impl hyper::body::Body for InstanceBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.keep = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
