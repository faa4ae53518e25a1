//! A scripted server instead of a sidecar, for behaviour that a real sidecar does not have.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
};

/// An outcome with "42" in it.
pub(crate) const OUTCOME: &str = r#"{"id":"run-1","status":{"exited":0},"stdout":{"content":"42\n","length":3},
    "stderr":{"content":"","length":0},"files":[],"skipped":[],"timings_ms":{"answered":1},"warm":false}"#;

/// A server with a scripted response, which records its requests.
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    requests: Receiver<Request>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    /// Its first line and its headers.
    pub(crate) head: String,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl ScriptedServer {
    /// Calls `respond` for the first request of each connection, then closes the connection.
    pub(crate) fn new(respond: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        Self::start(true, respond)
    }

    /// Answers with these bytes.
    pub(crate) fn responding(response: impl Into<Vec<u8>>) -> Self {
        Self::start(true, write_response(response.into()))
    }

    /// Answers with these bytes as soon as it has read the head of a request, and keeps the connection open:
    /// if it were closed immediately, hosts might not receive the response.
    pub(crate) fn responding_early(response: impl Into<Vec<u8>>) -> Self {
        Self::start(false, write_response(response.into()))
    }

    fn start(reads_bodies: bool, respond: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = channel();
        // The thread ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                if let Some(request) = read_request(&stream, reads_bodies) {
                    // The test may ignore the requests.
                    let _ = sender.send(request);
                    respond(&mut stream);
                    if reads_bodies {
                        // The client may have closed the connection.
                        let _ = stream.shutdown(Shutdown::Write);
                    }
                    // Closing with unread data would reset the connection.
                    let _ = io::copy(&mut stream, &mut io::sink());
                }
            }
        });
        Self { address, requests }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests received so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

/// An HTTP response.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A URL at which no server listens.
pub(crate) fn closed_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

fn write_response(response: Vec<u8>) -> impl Fn(&mut TcpStream) + Send {
    // The client may close the connection early.
    move |stream| drop(stream.write_all(&response))
}

fn read_request(stream: &TcpStream, body: bool) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; if body { length } else { 0 }];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}
