//! Stands between a sidecar and the real API server: counts what is asked, and does what networks and servers do at
//! their worst.

use super::{namespace::kubeconfig_text, runtime};
use crate::conformance::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use kube::{Client, Config, client::Body, config::KubeConfigOptions, config::Kubeconfig};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::{io::AsyncReadExt, net::TcpListener, sync::watch, task::JoinHandle};

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// GET, POST, ...
    pub method: Method,
    /// The path, with its query.
    pub path: String,
}

impl Asked {
    /// Whether it is this method on a path that has this in it.
    #[must_use]
    pub fn is(&self, method: Method, path: &str) -> bool {
        self.method == method && self.path.contains(path)
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Action {
    /// The API server answers.
    Forward,
    /// The API server carries it out, and its answer is lost.
    LoseAnswer,
    /// The API server does not hear of it, and its connection breaks.
    LoseRequest,
    /// This answer.
    Answer(StatusCode, String),
    /// The API server's answer, but after so many bytes the connection breaks.
    Cut(usize),
    /// The API server's answer with each of its lines changed.
    Edit(fn(&str) -> String),
    /// No answer at all, for as long as the client likes.
    Hang,
}

type Script = dyn Fn(&Asked, usize) -> Action + Send + Sync;

/// The proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    kubeconfig: PathBuf,
    asked: Arc<Mutex<Vec<Asked>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Stands before the cluster of `kubeconfig`; the script is told each request and how many the same had come before.
    ///
    /// # Errors
    ///
    /// Where it cannot listen.
    pub async fn start(
        kubeconfig: &Path,
        folder: &Path,
        script: impl Fn(&Asked, usize) -> Action + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &options).await?;
        config.default_retry = false;
        let client = Client::try_from(config)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = json!({ "server": format!("http://{}", listener.local_addr()?) });
        let kubeconfig = folder.join("proxy.kubeconfig");
        fs::write(&kubeconfig, kubeconfig_text(&server, &json!({})))?;
        let (sender, count) = watch::channel(0);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::new(State { client, asked: asked.clone(), sender, script: Box::new(script) });
        let task = runtime().spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let state = state.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| state.clone().serve(request));
                    // A connection that breaks is what this is for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .with_upgrades()
                        .await;
                });
            }
        });
        Ok(Self { kubeconfig, asked, count, task })
    }

    /// The way to it.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// All that has been asked.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a request.
    pub async fn heard(&self, method: Method, path: &str) {
        let mut count = self.count.clone();
        let has_come = |_: &usize| self.asked().iter().any(|asked| asked.is(method.clone(), path));
        // The sender lives as long as this.
        let _ = count.wait_for(has_come).await;
    }
}

struct State {
    client: Client,
    asked: Arc<Mutex<Vec<Asked>>>,
    sender: watch::Sender<usize>,
    script: Box<Script>,
}

type Answer = Result<Response<UnsyncBoxBody<Bytes, Failure>>, Failure>;

impl State {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let asked = Asked { method: request.method().clone(), path };
        let same = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let same = all.iter().filter(|before| before.method == asked.method && before.path == asked.path).count();
            all.push(asked.clone());
            same
        };
        self.sender.send_modify(|count| *count += 1);
        let action = (self.script)(&asked, same);
        if request.headers().contains_key("upgrade") {
            let left = match action {
                Action::Forward => usize::MAX,
                Action::Cut(left) => left,
                _ => return Err("broken".into()),
            };
            return self.tunnel(request, left).await;
        }
        match action {
            Action::Forward => self.forward(request).await,
            Action::Cut(left) => Ok(self.forward(request).await?.map(|inner| CutBody { inner, left }.boxed_unsync())),
            Action::Edit(edit) => Ok(self
                .forward(request)
                .await?
                .map(|inner| EditedBody { inner, edit, line: Vec::new() }.boxed_unsync())),
            Action::LoseAnswer => {
                self.forward(request).await?.into_body().collect().await?;
                Err("broken".into())
            }
            Action::LoseRequest => Err("broken".into()),
            Action::Answer(status, body) => {
                let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
                Ok(Response::builder().status(status).header("content-type", "application/json").body(body)?)
            }
            Action::Hang => std::future::pending().await,
        }
    }

    /// Connects the client with the API server, which may tell it so many bytes.
    async fn tunnel(&self, mut request: Request<Incoming>, left: usize) -> Answer {
        let client = hyper::upgrade::on(&mut request);
        let mut response = self.send(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let server = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                let (client, server) = (TokioIo::new(client.await?), TokioIo::new(server.await?));
                let (mut from_client, mut to_client) = tokio::io::split(client);
                let (from_server, mut to_server) = tokio::io::split(server);
                let mut from_server = from_server.take(left as u64);
                tokio::select! {
                    copied = tokio::io::copy(&mut from_client, &mut to_server) => copied,
                    copied = tokio::io::copy(&mut from_server, &mut to_client) => copied,
                }
                .map_err(Failure::from)
            });
        }
        Ok(response.map(|body| body.map_err(Failure::from).boxed_unsync()))
    }

    async fn forward(&self, request: Request<Incoming>) -> Answer {
        let (mut parts, body) = self.send(request).await?.into_parts();
        parts.headers.remove("transfer-encoding");
        parts.headers.remove("content-length");
        Ok(Response::from_parts(parts, body.map_err(Failure::from).boxed_unsync()))
    }

    async fn send(&self, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let (mut parts, body) = request.into_parts();
        parts.headers.remove("host");
        parts.uri = parts.uri.path_and_query().ok_or("no path")?.as_str().parse()?;
        let body = Body::from(body.collect().await?.to_bytes());
        Ok(self.client.send(Request::from_parts(parts, body)).await?)
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, Failure>>>;

/// A body that breaks off.
struct CutBody {
    inner: UnsyncBoxBody<Bytes, Failure>,
    left: usize,
}

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if self.left == 0 {
            return Poll::Ready(Some(Err("broken".into())));
        }
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        let left = self.left;
        polled.map_ok(|frame| {
            frame.map_data(|data| {
                let kept = data.slice(..left.min(data.len()));
                self.left -= kept.len();
                kept
            })
        })
    }
}

/// A body whose lines are changed.
struct EditedBody {
    inner: UnsyncBoxBody<Bytes, Failure>,
    edit: fn(&str) -> String,
    line: Vec<u8>,
}

impl hyper::body::Body for EditedBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        polled.map_ok(|frame| {
            frame.map_data(|data| {
                let mut edited = Vec::new();
                self.line.extend_from_slice(&data);
                while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = self.line.drain(..=end).collect();
                    edited.extend((self.edit)(String::from_utf8_lossy(&line).trim_end()).into_bytes());
                    edited.push(b'\n');
                }
                edited.into()
            })
        })
    }
}
