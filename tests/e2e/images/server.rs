//! A server of the test's own, for what Debian's registry does not do.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A request that was received.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) authorization: Option<String>,
    pub(super) body: String,
}

/// A response.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// A server, which ends with the test.
pub(super) struct Server {
    pub(super) host: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What a registry answers with the image of a layout, whatever its name.
    pub(super) fn of(layout: &Path, request: &Request) -> Self {
        let blob = |hex: &str| fs::read(layout.join("blobs/sha256").join(hex)).expect("a blob");
        if let Some((_, hex)) = request.target.split_once("/blobs/sha256:") {
            return Self::new(200, blob(hex));
        }
        let index = fs::read(layout.join("index.json")).expect("an index");
        let index: Value = serde_json::from_slice(&index).expect("JSON");
        let text = |name: &str| index["manifests"][0][name].as_str().expect("text");
        Self::new(200, blob(text("digest").trim_start_matches("sha256:")))
            .header("content-type", text("mediaType"))
    }
}

impl Server {
    pub(super) fn start(answer: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let received = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                received.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                write(&stream, &answer(&request));
            }
        });
        Self { host, requests }
    }

    /// The requests received so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |wanted: &str| {
        let mut headers = lines.iter().filter_map(|line| line.split_once(": "));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = lines.first()?.split(' ');
    Some(Request {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        authorization: header("authorization"),
        body: String::from_utf8(body).expect("text"),
    })
}

fn write(mut stream: &TcpStream, answer: &Answer) {
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.body.len()
    );
    // The client may have closed the connection.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
}
