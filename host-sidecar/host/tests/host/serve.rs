//! `cofferdam-host serve`.

use crate::host;
use cofferdam_tests::{
    hosts::agent,
    leaks::{assert_no_leaks, leaked_resources},
    program::TestDir,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStderr},
    thread,
    time::{Duration, Instant},
};

/// A server with the example agent.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(dir: &TestDir, options: &[&str]) -> Self {
        let mut command = host(dir, ["serve", "--listen", "127.0.0.1:0"].iter().chain(options));
        command
            .env("COFFERDAM_LOG", "cofferdam=debug")
            .env("COFFERDAM_POOL__MAXIMUM", "0")
            .arg(agent("rust-web-bare"));
        let mut child = command.spawn().expect("the host");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut server = Self { child, log, address: String::new() };
        let line = server.wait_for("listening on http://");
        server.address = line.trim_end().rsplit("//").next().unwrap_or_default().to_owned();
        server
    }

    /// Reads the log up to a line with this text, and returns the line.
    fn wait_for(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.log.read_line(&mut line).expect("a log"), 0, "the log ended before {text:?}");
        }
        line
    }

    fn open(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("a request");
        stream
    }

    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("a signal");
        std::io::copy(&mut self.log, &mut std::io::sink()).expect("a log");
        self.child.wait().expect("an end").code()
    }
}

fn read(mut stream: TcpStream) -> String {
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

#[test]
fn requests_are_handled_at_once_and_nothing_is_left() {
    let dir = TestDir::new();
    let server = Server::start(&dir, &[]);
    let streams: Vec<_> = (0..4).map(|_| server.open("/?q=factorial%20of%2020")).collect();
    let responses: Vec<_> = streams.into_iter().map(|stream| thread::spawn(|| read(stream))).collect();
    for response in responses {
        let response = response.join().expect("a response");
        let is_expected = response.starts_with("HTTP/1.1 200") && response.contains("2432902008176640000\n");
        assert!(is_expected, "{response}");
    }
    let response = read(server.open("/?q=who"));
    assert!(response.starts_with("HTTP/1.1 502") && response.contains("I do not know"), "{response}");
    assert!(read(server.open("/")).starts_with("HTTP/1.1 400"));
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("a request");
    let response = read(stream);
    assert!(response.contains(" 400 ") && response.contains("no Host header"), "{response}");
    assert_eq!(server.end(), Some(0));
    assert_no_leaks(&dir);
}

#[test]
fn a_caller_that_disconnects_cancels_the_execution_of_its_request() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir, &[]);
    // It computes for longer than the test may take.
    let path = "/?q=sum%20of%20squares%20up%20to%204000000000";
    let rest = format!("Host: localhost\r\nContent-Length: 100000\r\n\r\n{}", "x".repeat(100_000));
    // hyper does not read the rest of the last two, since the guest reads no body.
    for request in [
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n"),
        format!("POST {path} HTTP/1.1\r\n{rest}"),
    ] {
        let mut stream = TcpStream::connect(&server.address).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a request");
        server.wait_for("the sandbox is being started");
        drop(stream);
        await_no_sandbox(&dir);
    }
    assert_eq!(server.end(), Some(0));
    assert_no_leaks(&dir);
}

#[test]
fn a_request_that_takes_too_long_is_ended() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir, &["--request-seconds", "2"]);
    let stream = server.open("/?q=sum%20of%20squares%20up%20to%204000000000");
    server.wait_for("a request took longer than --request-seconds");
    assert_eq!(read(stream), "");
    await_no_sandbox(&dir);
    assert_eq!(server.end(), Some(0));
}

/// Waits until no sandbox is left. No event says so.
fn await_no_sandbox(dir: &TestDir) {
    let started = Instant::now();
    while !leaked_resources(dir).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", leaked_resources(dir));
        thread::sleep(Duration::from_millis(50));
    }
}
