//! An HTTP client of a sidecar under test.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http1::handshake, header::HeaderMap};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    task::JoinSet,
};

#[derive(Debug, Clone)]
enum Target {
    Unix(PathBuf),
    Tcp(String),
}

/// Sends HTTP requests, each over a new connection.
#[derive(Debug, Clone)]
pub struct HttpClient {
    target: Target,
    token: Option<String>,
}

/// A complete response.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON, or null if it is not JSON.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

/// A response whose body has not been read. Dropping it closes the connection.
#[derive(Debug)]
pub struct ResponseStream {
    response: Response<Incoming>,
    _connection: JoinSet<()>,
}

impl HttpClient {
    pub(super) fn unix(socket: &Path) -> Self {
        Self { target: Target::Unix(socket.to_owned()), token: None }
    }

    /// A client of the server at `IP:PORT`.
    #[must_use]
    pub fn tcp(address: &str) -> Self {
        Self { target: Target::Tcp(address.to_owned()), token: None }
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends a request and reads the response. Dropping the future closes the connection.
    ///
    /// # Panics
    ///
    /// No complete response arrives.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> HttpResponse {
        self.open(method, path, headers, body).await.read().await
    }

    /// Sends a request and reads the head of the response. Dropping the future closes the connection.
    ///
    /// # Panics
    ///
    /// No response arrives.
    #[expect(clippy::expect_used, reason = "the test needs a response")]
    pub async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> ResponseStream {
        let mut request = Request::builder().method(method).uri(path);
        let has_header = |name: &str| headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        if !has_header("host") {
            request = request
                .header("host", if let Target::Tcp(address) = &self.target { address } else { "localhost" });
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let (response, connection) = match &self.target {
            Target::Unix(path) => {
                exchange(UnixStream::connect(path).await.expect("a sidecar"), request).await
            }
            Target::Tcp(address) => {
                exchange(TcpStream::connect(address).await.expect("a sidecar"), request).await
            }
        };
        ResponseStream { response, _connection: connection }
    }

    /// Executes a program and reads the response.
    ///
    /// # Panics
    ///
    /// As [`Self::send`].
    pub async fn run(&self, request: &Value, headers: &[(&str, &str)]) -> HttpResponse {
        self.start(request, headers).await.read().await
    }

    /// Executes a program and reads the head of the response.
    ///
    /// # Panics
    ///
    /// As [`Self::open`].
    pub async fn start(&self, request: &Value, headers: &[(&str, &str)]) -> ResponseStream {
        let headers: Vec<_> =
            [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
        self.open("POST", "/v1/executions", &headers, request.to_string()).await
    }
}

#[expect(clippy::expect_used, reason = "the test needs a response")]
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> (Response<Incoming>, JoinSet<()>) {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
    let mut tasks = JoinSet::new();
    tasks.spawn(async {
        // An error appears in the response, too.
        let _ = connection.await;
    });
    (sender.send_request(request).await.expect("a response"), tasks)
}

impl ResponseStream {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Reads until the body contains `text` and returns everything read.
    ///
    /// # Panics
    ///
    /// The body ends before.
    #[expect(clippy::expect_used, clippy::panic, reason = "the test needs the body")]
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            let frame = self
                .response
                .frame()
                .await
                .unwrap_or_else(|| panic!("the body ended without {text:?}: {read}"));
            let data = frame.expect("a response").into_data().unwrap_or_default();
            read += &String::from_utf8_lossy(&data);
        }
        read
    }

    /// Reads the rest of the body.
    ///
    /// # Panics
    ///
    /// The connection breaks.
    #[expect(clippy::expect_used, reason = "the test needs the body")]
    pub async fn read(self) -> HttpResponse {
        let (head, body) = self.response.into_parts();
        let body = body.collect().await.expect("a complete response").to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        HttpResponse { status: head.status.as_u16(), headers: head.headers, json, text }
    }
}
