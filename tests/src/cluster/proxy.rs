//! Stands between a sidecar and the real API server: counts what is asked, and does what networks and servers do at
//! their worst.

mod bodies;

use super::{namespace::kubeconfig_text, runtime};
use crate::conformance::Failure;
use bodies::{AnswerBody, Fate, edited, limited};
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
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// The API server carries it out, and this is the answer.
    Misreport(StatusCode, String),
    /// The API server's answer, but after so many bytes the connection breaks.
    Cut(usize),
    /// The API server's answer, which ends after so many bytes as if that were all. What the client says still arrives.
    End(usize),
    /// The API server's answer, of which nothing comes after so many bytes, though the connection stays.
    Stall(usize),
    /// The API server's answer with each of its lines changed.
    Edit(fn(&str) -> String),
    /// The API server's answer, some of whose lines come twice or after the next one, by this seed.
    Shuffle(u64),
    /// No answer at all, for as long as the client likes.
    Hang,
    /// The same, after a time.
    Delay(Duration, Box<Action>),
}

type Script = dyn Fn(&Asked, usize) -> Action + Send + Sync;

/// The proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    kubeconfig: PathBuf,
    asked: Arc<Mutex<Vec<Asked>>>,
    created: Arc<Mutex<BTreeSet<String>>>,
    count: watch::Receiver<usize>,
    _connections: JoinSet<()>,
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
        let created: Arc<Mutex<BTreeSet<_>>> = Arc::default();
        let (same, script) = (Mutex::default(), Box::new(script));
        let state = Arc::new(State { client, asked: asked.clone(), created: created.clone(), same, sender, script });
        let mut connections = JoinSet::new();
        connections.spawn_on(serve(listener, state), runtime().handle());
        Ok(Self { kubeconfig, asked, created, count, _connections: connections })
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

    /// Names of what was to be created, for runs and not for all of them, whether or not that came through.
    #[must_use]
    pub fn created(&self) -> BTreeSet<String> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a request.
    pub async fn heard(&self, method: Method, path: &str) {
        self.heard_such(|asked| asked.is(method.clone(), path)).await;
    }

    /// Waits for such a request.
    pub async fn heard_such(&self, is_such: impl Fn(&Asked) -> bool) {
        let mut count = self.count.clone();
        let has_come = |_: &usize| self.asked().iter().any(&is_such);
        // The sender lives as long as this.
        let _ = count.wait_for(has_come).await;
    }
}

/// Serves until it is dropped, which ends its connections.
async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| state.clone().serve(request));
            // A connection that breaks is what this is for.
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
    asked: Arc<Mutex<Vec<Asked>>>,
    created: Arc<Mutex<BTreeSet<String>>>,
    /// How often each has been asked.
    same: Mutex<HashMap<Asked, usize>>,
    sender: watch::Sender<usize>,
    script: Box<Script>,
}

type Answer = Result<Response<AnswerBody>, Failure>;

impl State {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let asked = Asked { method: request.method().clone(), path };
        let before = {
            let mut same = self.same.lock().unwrap_or_else(PoisonError::into_inner);
            let count = same.entry(asked.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let action = (self.script)(&asked, before);
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        self.sender.send_modify(|count| *count += 1);
        if let Action::Delay(time, then) = action {
            // What is under way arrives, whether or not somebody still waits for the answer.
            return tokio::spawn(async move {
                sleep(time).await;
                self.answer(request, *then).await
            })
            .await?;
        }
        self.answer(request, action).await
    }

    async fn answer(&self, request: Request<Bytes>, action: Action) -> Answer {
        let (limit, fate) = match action {
            Action::LoseRequest => return Err("broken".into()),
            Action::Hang => return pending().await,
            Action::Answer(status, body) => return answer(status, body),
            Action::LoseAnswer => {
                self.forward(request).await?.into_body().collect().await?;
                return Err("broken".into());
            }
            Action::Misreport(status, body) => {
                self.forward(request).await?.into_body().collect().await?;
                return answer(status, body);
            }
            Action::Edit(edit) => {
                let edit = move |line: &str| edit(line) + "\n";
                return Ok(self.forward(request).await?.map(|body| edited(body, edit)));
            }
            Action::Shuffle(seed) => {
                return Ok(self.forward(request).await?.map(|body| edited(body, shuffle(seed))));
            }
            Action::Cut(left) => (left, Fate::Break),
            Action::End(left) => (left, Fate::End),
            Action::Stall(left) => (left, Fate::Stall),
            Action::Forward | Action::Delay(..) => (usize::MAX, Fate::End),
        };
        if request.headers().contains_key("upgrade") {
            return self.tunnel(request, limit, fate).await;
        }
        Ok(self.forward(request).await?.map(|body| limited(body, limit, fate)))
    }

    /// Connects the client with the API server, which may tell it so many bytes.
    async fn tunnel(&self, mut request: Request<Bytes>, limit: usize, fate: Fate) -> Answer {
        let client = hyper::upgrade::on(&mut request);
        let mut response = self.send(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let server = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                let (client, server) = (TokioIo::new(client.await?), TokioIo::new(server.await?));
                let (mut from_client, mut to_client) = tokio::io::split(client);
                let (from_server, mut to_server) = tokio::io::split(server);
                let mut from_server = from_server.take(limit as u64);
                let heard = async {
                    tokio::io::copy(&mut from_server, &mut to_client).await?;
                    if from_server.limit() > 0 {
                        return Ok(());
                    }
                    match fate {
                        Fate::Break => Ok(()),
                        Fate::End => {
                            to_client.shutdown().await?;
                            pending().await
                        }
                        Fate::Stall => pending().await,
                    }
                };
                tokio::select! {
                    copied = tokio::io::copy(&mut from_client, &mut to_server) => copied.map(|_| ()),
                    heard = heard => heard,
                }
                .map_err(Failure::from)
            });
        }
        Ok(response.map(|body| body.map_err(Failure::from).boxed_unsync()))
    }

    async fn forward(&self, request: Request<Bytes>) -> Answer {
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

fn answer(status: StatusCode, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    Ok(Response::builder().status(status).header("content-type", "application/json").body(body)?)
}

/// Repeats some lines, and holds others back until the next one has gone by.
fn shuffle(seed: u64) -> impl FnMut(&str) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut held = String::new();
    move |line| {
        let line = format!("{line}\n");
        match random.random_range(0..4) {
            0 if held.is_empty() => {
                held = line;
                String::new()
            }
            1 => line.repeat(2) + &mem::take(&mut held),
            _ => line + &mem::take(&mut held),
        }
    }
}
