//! A proxy between a sidecar and the real API server that records requests and injects faults.

mod action;
mod bodies;

pub use action::{Action, ApiRequest};

use super::{namespace::kubeconfig_text, runtime};
use crate::conformance::Failure;
use bodies::{BodyEnd, ResponseBody, edited, limited};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use kube::{Client, Config, client::Body, config::KubeConfigOptions, config::Kubeconfig};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    future::pending,
    mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::sleep,
};

type Script = dyn Fn(&ApiRequest, usize) -> Action + Send + Sync;

/// A running proxy, stopped when dropped.
#[derive(Debug)]
pub struct Proxy {
    kubeconfig: PathBuf,
    requests: Arc<Mutex<Vec<ApiRequest>>>,
    created: Arc<Mutex<BTreeSet<String>>>,
    count: watch::Receiver<usize>,
    _connections: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy for the cluster of `kubeconfig`. `script` gets each request and the number of equal
    /// requests before it.
    ///
    /// # Errors
    ///
    /// The proxy cannot listen, or the kubeconfig cannot be used.
    pub async fn start(
        kubeconfig: &Path,
        folder: &Path,
        script: impl Fn(&ApiRequest, usize) -> Action + Send + Sync + 'static,
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
        let requests = Arc::new(Mutex::new(Vec::new()));
        let created: Arc<Mutex<BTreeSet<_>>> = Arc::default();
        let (counts, script) = (Mutex::default(), Box::new(script));
        let state = Arc::new(State {
            client,
            requests: requests.clone(),
            created: created.clone(),
            counts,
            sender,
            script,
        });
        let mut connections = JoinSet::new();
        connections.spawn_on(serve(listener, state), runtime().handle());
        Ok(Self { kubeconfig, requests, created, count, _connections: connections })
    }

    /// A kubeconfig whose server is the proxy.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<ApiRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names of the runs' objects in all create requests, successful or not.
    #[must_use]
    pub fn created(&self) -> BTreeSet<String> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a request with this method and a path that contains `path`.
    pub async fn wait_for(&self, method: Method, path: &str) {
        self.wait_for_matching(|request| request.matches(method.clone(), path)).await;
    }

    /// Waits for a request that satisfies a predicate.
    pub async fn wait_for_matching(&self, predicate: impl Fn(&ApiRequest) -> bool) {
        let mut count = self.count.clone();
        let has_arrived = |_: &usize| self.requests().iter().any(&predicate);
        // The sender lives as long as the proxy.
        let _ = count.wait_for(has_arrived).await;
    }
}

/// Serves until the future is dropped, which also ends all connections.
async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| state.clone().serve(request));
            // Connections break on purpose.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .with_upgrades()
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

struct State {
    client: Client,
    requests: Arc<Mutex<Vec<ApiRequest>>>,
    created: Arc<Mutex<BTreeSet<String>>>,
    /// How often each request has been made.
    counts: Mutex<HashMap<ApiRequest, usize>>,
    sender: watch::Sender<usize>,
    script: Box<Script>,
}

type ProxyResult = Result<Response<ResponseBody>, Failure>;

impl State {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> ProxyResult {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let api_request = ApiRequest { method: request.method().clone(), path };
        let before = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(api_request.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let action = (self.script)(&api_request, before);
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(api_request);
        self.sender.send_modify(|count| *count += 1);
        if let Action::Delay(time, then) = action {
            // The delayed request arrives even if the client has given up.
            return tokio::spawn(async move {
                sleep(time).await;
                self.perform(request, *then).await
            })
            .await?;
        }
        self.perform(request, action).await
    }

    async fn perform(&self, request: Request<Bytes>, action: Action) -> ProxyResult {
        let (limit, end) = match action {
            Action::DropRequest => return Err("broken".into()),
            Action::Hang => return pending().await,
            Action::Respond(status, body) => return respond(status, body),
            Action::DropResponse => {
                self.forward(request).await?.into_body().collect().await?;
                return Err("broken".into());
            }
            Action::ReplaceResponse(status, body) => {
                self.forward(request).await?.into_body().collect().await?;
                return respond(status, body);
            }
            Action::EditLines(edit) => {
                let edit = move |line: &str| edit(line) + "\n";
                return Ok(self.forward(request).await?.map(|body| edited(body, edit)));
            }
            Action::Shuffle(seed) => {
                return Ok(self.forward(request).await?.map(|body| edited(body, shuffle(seed))));
            }
            Action::Cut(limit) => (limit, BodyEnd::Break),
            Action::Truncate(limit) => (limit, BodyEnd::Complete),
            Action::Stall(limit) => (limit, BodyEnd::Stall),
            Action::Forward | Action::Delay(..) => (usize::MAX, BodyEnd::Complete),
        };
        if request.headers().contains_key("upgrade") {
            return self.tunnel(request, limit, end).await;
        }
        Ok(self.forward(request).await?.map(|body| limited(body, limit, end)))
    }

    /// Connects the client with the API server, of whose data only the first `limit` bytes are forwarded.
    async fn tunnel(&self, mut request: Request<Bytes>, limit: usize, end: BodyEnd) -> ProxyResult {
        let client = hyper::upgrade::on(&mut request);
        let mut response = self.send(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let server = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                let (client, server) = (TokioIo::new(client.await?), TokioIo::new(server.await?));
                let (mut from_client, mut to_client) = tokio::io::split(client);
                let (from_server, mut to_server) = tokio::io::split(server);
                let mut from_server = from_server.take(limit as u64);
                let downstream = async {
                    tokio::io::copy(&mut from_server, &mut to_client).await?;
                    if from_server.limit() > 0 {
                        return Ok(());
                    }
                    match end {
                        BodyEnd::Break => Ok(()),
                        BodyEnd::Complete => {
                            to_client.shutdown().await?;
                            pending().await
                        }
                        BodyEnd::Stall => pending().await,
                    }
                };
                tokio::select! {
                    copied = tokio::io::copy(&mut from_client, &mut to_server) => copied.map(|_| ()),
                    ended = downstream => ended,
                }
                .map_err(Failure::from)
            });
        }
        Ok(response.map(|body| body.map_err(Failure::from).boxed_unsync()))
    }

    async fn forward(&self, request: Request<Bytes>) -> ProxyResult {
        let (mut parts, body) = self.send(request).await?.into_parts();
        parts.headers.remove("transfer-encoding");
        parts.headers.remove("content-length");
        Ok(Response::from_parts(parts, body.map_err(Failure::from).boxed_unsync()))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Failure> {
        let (mut parts, body) = request.into_parts();
        parts.headers.remove("host");
        parts.uri = parts.uri.path_and_query().ok_or("no path")?.as_str().parse()?;
        if parts.method == Method::POST {
            let object: Value = serde_json::from_slice(&body)?;
            let name = object["metadata"]["name"].as_str().filter(|name| name.starts_with("run-"));
            let mut created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
            created.extend(name.map(str::to_owned));
        }
        let body = Body::from(body);
        Ok(self.client.send(Request::from_parts(parts, body)).await?)
    }
}

fn respond(status: StatusCode, body: String) -> ProxyResult {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    Ok(Response::builder().status(status).header("content-type", "application/json").body(body)?)
}

/// Repeats some lines and delays others until the next one has been sent.
fn shuffle(seed: u64) -> impl FnMut(&str) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut delayed = String::new();
    move |line| {
        let line = format!("{line}\n");
        match random.random_range(0..4) {
            0 if delayed.is_empty() => {
                delayed = line;
                String::new()
            }
            1 => line.repeat(2) + &mem::take(&mut delayed),
            _ => line + &mem::take(&mut delayed),
        }
    }
}
