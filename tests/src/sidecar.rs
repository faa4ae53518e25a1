//! `cofferdam serve` under test, and its HTTP clients over real sockets.

use crate::{cgroup::MemoryCgroup, program::TestDir};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http1::handshake, header::HeaderMap};
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    task::JoinSet,
};

/// How long to wait for a line of the log.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);

/// A running sidecar, killed when dropped.
#[derive(Debug)]
pub struct Sidecar {
    child: Child,
    log: Receiver<String>,
    /// The lines of the log that have been read.
    read_log: String,
    socket: PathBuf,
    /// `IP:PORT` of its TCP socket.
    pub address: String,
}

impl Sidecar {
    /// Starts a sidecar on a Unix socket and on loopback, with further options and settings.
    ///
    /// # Panics
    ///
    /// The sidecar does not start.
    #[must_use]
    pub fn start(dir: &TestDir, options: &[&str], settings: &[(&str, &str)]) -> Self {
        let command = Self::command(dir, options, settings);
        Self::spawn(dir, command)
    }

    /// Like [`Self::start`], with limited memory and a log that has only warnings.
    ///
    /// # Panics
    ///
    /// The sidecar does not start.
    #[must_use]
    pub fn start_in_cgroup(
        cgroup: Option<&MemoryCgroup>,
        dir: &TestDir,
        options: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Self::command(dir, options, settings);
        command.env("COFFERDAM_LOG", "cofferdam=warn");
        let command = match cgroup {
            Some(cgroup) => cgroup.wrap(&command),
            None => command,
        };
        Self::spawn(dir, command)
    }

    fn command(dir: &TestDir, options: &[&str], settings: &[(&str, &str)]) -> Command {
        let listen = format!("unix:{}", Self::socket(dir).display());
        let args = ["serve", "--listen", &listen, "--listen", "127.0.0.1:0"].into_iter().chain(options.iter().copied());
        let mut command = dir.cofferdam(args);
        // A pooled sandbox would look like a leak.
        command.env("COFFERDAM_POOL__MAXIMUM", "0");
        command.env("COFFERDAM_LOG", "cofferdam=debug").envs(settings.iter().copied());
        command
    }

    fn socket(dir: &TestDir) -> PathBuf {
        dir.path().join("s.sock")
    }

    #[expect(clippy::expect_used, reason = "the test needs a sidecar")]
    fn spawn(dir: &TestDir, mut command: Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("cofferdam");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, receiver) = channel();
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let socket = Self::socket(dir);
        let mut sidecar = Self { child, log: receiver, read_log: String::new(), socket, address: String::new() };
        let line = sidecar.wait_for("listening on http");
        sidecar.address = line.rsplit("//").next().unwrap_or_default().to_owned();
        sidecar
    }

    /// Reads the log up to the next line that contains `text` and returns that line.
    ///
    /// # Panics
    ///
    /// No such line appears in time.
    #[expect(clippy::panic, reason = "the test needs this event")]
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.log.recv_timeout(LOG_TIMEOUT) else {
                panic!("no {text:?} in the log:\n{}", self.read_log)
            };
            self.read_log += &format!("{line}\n");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// The process has ended.
    #[expect(clippy::expect_used, reason = "the test needs the signal to arrive")]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    /// Waits until the process has ended and returns its status and its whole log.
    ///
    /// # Panics
    ///
    /// The process cannot be waited for.
    #[expect(clippy::expect_used, reason = "the test needs the exit status")]
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("an end");
        let rest: String = self.log.iter().map(|line| line + "\n").collect();
        (status, std::mem::take(&mut self.read_log) + &rest)
    }

    /// A client of the Unix socket.
    #[must_use]
    pub fn client(&self) -> HttpClient {
        HttpClient { target: Target::Unix(self.socket.clone()), token: None }
    }

    /// A client of the TCP socket.
    #[must_use]
    pub fn tcp_client(&self) -> HttpClient {
        HttpClient { target: Target::Tcp(self.address.clone()), token: None }
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
            request =
                request.header("host", if let Target::Tcp(address) = &self.target { address } else { "localhost" });
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let (response, connection) = match &self.target {
            Target::Unix(path) => exchange(UnixStream::connect(path).await.expect("a sidecar"), request).await,
            Target::Tcp(address) => exchange(TcpStream::connect(address).await.expect("a sidecar"), request).await,
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
            let frame =
                self.response.frame().await.unwrap_or_else(|| panic!("the body ended without {text:?}: {read}"));
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
