//! `cofferdam serve` under test, and callers of it over real sockets.

use crate::{cgroup::MemoryCgroup, program::Place};
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

/// How long what has to happen may take before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sidecar that runs, killed when it is dropped.
#[derive(Debug)]
pub struct Sidecar {
    child: Child,
    log: Receiver<String>,
    said: String,
    socket: PathBuf,
    /// `IP:PORT` of its TCP socket.
    pub address: String,
}

impl Sidecar {
    /// Starts one on a Unix socket and on loopback, with more options and settings.
    ///
    /// # Panics
    ///
    /// Where it does not come up.
    #[must_use]
    pub fn start(place: &Place, options: &[&str], settings: &[(&str, &str)]) -> Self {
        let command = Self::command(place, options, settings);
        Self::spawn(place, command)
    }

    /// The same with its memory bounded, and with less in its log.
    ///
    /// # Panics
    ///
    /// Where it does not come up.
    #[must_use]
    pub fn start_in(cgroup: Option<&MemoryCgroup>, place: &Place, options: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut command = Self::command(place, options, settings);
        command.env("COFFERDAM_LOG", "cofferdam=warn");
        let command = match cgroup {
            Some(cgroup) => cgroup.enter(&command),
            None => command,
        };
        Self::spawn(place, command)
    }

    fn command(place: &Place, options: &[&str], settings: &[(&str, &str)]) -> Command {
        let listen = format!("unix:{}", Self::socket(place).display());
        let args = ["serve", "--listen", &listen, "--listen", "127.0.0.1:0"].into_iter().chain(options.iter().copied());
        let mut command = place.cofferdam(args);
        // A test that has an eye on what is left wants nothing to wait.
        command.env("COFFERDAM_POOL__MAXIMUM", "0");
        command.env("COFFERDAM_LOG", "cofferdam=debug").envs(settings.iter().copied());
        command
    }

    fn socket(place: &Place) -> PathBuf {
        place.path().join("s.sock")
    }

    #[expect(clippy::expect_used, reason = "a test without a sidecar has failed")]
    fn spawn(place: &Place, mut command: Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("cofferdam");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, receiver) = channel();
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let socket = Self::socket(place);
        let mut sidecar = Self { child, log: receiver, said: String::new(), socket, address: String::new() };
        let line = sidecar.wait_for("listening on http");
        sidecar.address = line.rsplit("//").next().unwrap_or_default().to_owned();
        sidecar
    }

    /// Waits for a line of the log with this in it that has not been waited for yet.
    ///
    /// # Panics
    ///
    /// Where it does not come.
    #[expect(clippy::panic, reason = "a test whose event does not come has failed")]
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else { panic!("no {text:?} in the log:\n{}", self.said) };
            self.said += &format!("{line}\n");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// Where it is gone.
    #[expect(clippy::expect_used, reason = "a test that cannot signal has failed")]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    /// Waits for its end, and gives all of its log.
    ///
    /// # Panics
    ///
    /// Where it cannot be waited for.
    #[expect(clippy::expect_used, reason = "a test that cannot wait has failed")]
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("an end");
        let rest: String = self.log.iter().map(|line| line + "\n").collect();
        (status, std::mem::take(&mut self.said) + &rest)
    }

    /// A caller through the Unix socket.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { to: To::Unix(self.socket.clone()), token: None }
    }

    /// A caller through the TCP socket.
    #[must_use]
    pub fn tcp_caller(&self) -> Caller {
        Caller { to: To::Tcp(self.address.clone()), token: None }
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug, Clone)]
enum To {
    Unix(PathBuf),
    Tcp(String),
}

/// Somebody who sends requests, each over a connection of its own.
#[derive(Debug, Clone)]
pub struct Caller {
    to: To,
    token: Option<String>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as JSON; null where it is none.
    pub json: Value,
    /// Its body as text.
    pub text: String,
}

/// An answer whose body is still to come. Dropping it hangs up.
#[derive(Debug)]
pub struct Open {
    response: Response<Incoming>,
    _connection: JoinSet<()>,
}

impl Caller {
    /// The same caller with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends a request and reads the answer. Dropping the future hangs up.
    ///
    /// # Panics
    ///
    /// Where there is no whole answer.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.open(method, path, headers, body).await.read().await
    }

    /// Sends a request and reads the head of the answer. Dropping the future hangs up.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[expect(clippy::expect_used, reason = "a test without an answer has failed")]
    pub async fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Open {
        let mut request = Request::builder().method(method).uri(path);
        let given = |name: &str| headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        if !given("host") {
            request = request.header("host", if let To::Tcp(address) = &self.to { address } else { "localhost" });
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let (response, connection) = match &self.to {
            To::Unix(path) => exchange(UnixStream::connect(path).await.expect("a sidecar"), request).await,
            To::Tcp(address) => exchange(TcpStream::connect(address).await.expect("a sidecar"), request).await,
        };
        Open { response, _connection: connection }
    }

    /// Asks for a run of a program.
    ///
    /// # Panics
    ///
    /// As [`Self::send`].
    pub async fn run(&self, request: &Value, headers: &[(&str, &str)]) -> Answer {
        self.start(request, headers).await.read().await
    }

    /// Asks for a run, and gives the answer when its head is there.
    ///
    /// # Panics
    ///
    /// As [`Self::open`].
    pub async fn start(&self, request: &Value, headers: &[(&str, &str)]) -> Open {
        let headers: Vec<_> =
            [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
        self.open("POST", "/v1/executions", &headers, request.to_string()).await
    }
}

#[expect(clippy::expect_used, reason = "a test without an answer has failed")]
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> (Response<Incoming>, JoinSet<()>) {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
    let mut driver = JoinSet::new();
    driver.spawn(async {
        // What goes wrong shows in the answer.
        let _ = connection.await;
    });
    (sender.send_request(request).await.expect("an answer"), driver)
}

impl Open {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Reads on until this text has come, and gives all that has.
    ///
    /// # Panics
    ///
    /// Where the answer ends before.
    #[expect(clippy::expect_used, clippy::panic, reason = "a test whose answer breaks off has failed")]
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            let frame = self.response.frame().await.unwrap_or_else(|| panic!("it ended without {text:?}: {read}"));
            let data = frame.expect("an answer").into_data().unwrap_or_default();
            read += &String::from_utf8_lossy(&data);
        }
        read
    }

    /// Reads all of it.
    ///
    /// # Panics
    ///
    /// Where it breaks off.
    #[expect(clippy::expect_used, reason = "a test whose answer breaks off has failed")]
    pub async fn read(self) -> Answer {
        let (head, body) = self.response.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status: head.status.as_u16(), headers: head.headers, json, text }
    }
}
