//! Hostile clients: their requests are parsed unambiguously or refused, stay within the limits, and execute
//! nothing that a valid request would not.

use super::executions_in;
use crate::cleanup::assert_no_leaks;
use cofferdam_tests::{
    program::{TestDir, stderr},
    sidecar::Sidecar,
};
use rustix::process::Signal;
use serde_json::json;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::{fs::symlink, net::UnixListener},
    thread,
    time::Duration,
};

/// The head of a request for an execution, without the headers that give the length of the body.
const POST: &str = "POST /v1/executions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n";
const BODY: &str = r#"{"code":"print(1)"}"#;
/// Incomplete requests are given up after a second.
const SHORT_TIMEOUTS: [(&str, &str); 2] =
    [("COFFERDAM_SERVE__HEADER_SECONDS", "1"), ("COFFERDAM_SERVE__BODY_SECONDS", "1")];
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";

/// Sends bytes over a new connection and returns the statuses of all responses.
fn statuses(sidecar: &Sidecar, bytes: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(&sidecar.address).expect("a connection");
    // The sidecar may close the connection early.
    let _ = stream.write_all(bytes);
    let mut responses = Vec::new();
    let _ = stream.read_to_end(&mut responses);
    let responses = String::from_utf8_lossy(&responses).into_owned();
    responses.split("HTTP/1.").skip(1).filter_map(|response| response.get(2..5)?.parse().ok()).collect()
}

fn shut_down(sidecar: Sidecar) -> String {
    sidecar.signal(Signal::TERM);
    let (status, log) = sidecar.end();
    assert_eq!(status.code(), Some(0), "{log}");
    log
}

#[test]
fn a_request_with_an_ambiguous_body_length_runs_nothing() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &SHORT_TIMEOUTS);
    let length = BODY.len();
    let chunk = format!("{length:x}\r\n{BODY}\r\n");
    for (length, body) in [
        (format!("Content-Length: {length}\r\nContent-Length: 5"), BODY),
        (format!("Content-Length: {length}, {length}"), BODY),
        (format!("Content-Length: +{length}"), BODY),
        ("Content-Length: -1".into(), BODY),
        ("Content-Length: 99999999999999999999".into(), BODY),
        (format!("X: a\r\n Content-Length: {length}"), BODY),
        (format!("Content-Length : {length}"), BODY),
        (format!("Transfer-Encoding: identity\r\nContent-Length: {length}"), BODY),
        ("Transfer-Encoding: xchunked".into(), &*format!("{chunk}0\r\n\r\n")),
        ("Transfer-Encoding: chunked, identity".into(), &*format!("{chunk}0\r\n\r\n")),
        ("Transfer-Encoding : chunked".into(), &*format!("{chunk}0\r\n\r\n")),
        ("Transfer-Encoding: chunked".into(), &*format!("fffffffffffffffff\r\n{BODY}")),
        ("Transfer-Encoding: chunked".into(), &*format!("-1\r\n{BODY}")),
        (
            "Transfer-Encoding: chunked".into(),
            &*format!("{length:x};{}\r\n{BODY}\r\n0\r\n\r\n", "x".repeat(40_000)),
        ),
        ("Transfer-Encoding: chunked".into(), &*format!("{chunk}0\r\n{}\r\n", "X: y\r\n".repeat(5000))),
        // A truncated body.
        (format!("Content-Length: {}", length + 1), BODY),
        ("Transfer-Encoding: chunked".into(), &*chunk),
    ] {
        let request = format!("{POST}{length}\r\n\r\n{body}");
        let found = statuses(&sidecar, request.as_bytes());
        assert!(found.iter().all(|status| (400..500).contains(status)), "{found:?} to {request:.400}");
    }
    assert_eq!(executions_in(&shut_down(sidecar)), 0);
    assert_no_leaks(&dir);
}

#[test]
fn a_second_request_cannot_be_smuggled_in_a_body() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &SHORT_TIMEOUTS);
    let hidden =
        format!("{POST}Content-Length: {}\r\n\r\n{BODY}", BODY.len()).replace("Connection: close\r\n", "");
    let open = POST.replace("Connection: close\r\n", "");
    let length = BODY.len() + hidden.len();
    // By one length the second request is part of the first body, by the other it follows it. The connection
    // is closed instead.
    let request = format!(
        "{open}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{BODY}\r\n0\r\n\r\n{hidden}",
        BODY.len()
    );
    assert_eq!(statuses(&sidecar, request.as_bytes()), [200]);
    let request =
        format!("{open}Content-Length: {}\r\nContent-Length: {length}\r\n\r\n{BODY}{hidden}", BODY.len());
    assert_eq!(statuses(&sidecar, request.as_bytes()), [400]);
    assert_eq!(executions_in(&shut_down(sidecar)), 1);
}

#[test]
fn request_headers_are_limited_and_parsed_strictly() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &SHORT_TIMEOUTS);
    let headers = |count: usize| (0..count).map(|number| format!("X{number}: y\r\n")).collect::<String>();
    for (request, status) in [
        (format!("{HEALTH}{}\r\n", headers(90)), 200),
        (format!("{HEALTH}{}\r\n", headers(5000)), 431),
        (format!("{HEALTH}X: {}\r\n\r\n", "y".repeat(1 << 20)), 431),
        (format!("{HEALTH}X: {}\r\n\r\n", "y".repeat(100 << 10)), 431),
        (format!("{HEALTH}X: a\r\n b\r\n\r\n"), 400),
        (format!("{HEALTH}X: a\0b\r\n\r\n"), 400),
        (format!("{HEALTH}X: a\rb\r\n\r\n"), 400),
        (format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "a".repeat(1 << 17)), 431),
        ("\x16\x03\x01\0\u{5}".into(), 400),
    ] {
        assert_eq!(statuses(&sidecar, request.as_bytes()), [status], "{request:.100}");
    }
    assert!(statuses(&sidecar, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_empty());
}

#[test]
fn request_targets_are_not_normalised() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &SHORT_TIMEOUTS);
    for (target, status) in [
        ("/healthz", 200),
        ("http://127.0.0.1/healthz", 200),
        ("http://evil.example/healthz", 421),
        ("http://127.0.0.1@evil.example/healthz", 421),
        ("evil.example:443", 421),
        ("//healthz", 404),
        ("/./healthz", 404),
        ("/v1/../healthz", 404),
        ("/v1//executions", 404),
        ("/v1/executions/../../healthz", 404),
        ("/%68ealthz", 404),
        ("/healthz%00", 404),
        ("/v1/executions/..%2f..%2fmetrics", 404),
        ("*", 404),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        assert_eq!(statuses(&sidecar, request.as_bytes()), [status], "{target}");
    }
    let request = "CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&sidecar, request.as_bytes()), [421]);
}

#[test]
fn foreign_host_and_origin_headers_are_refused() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &SHORT_TIMEOUTS);
    for (headers, status) in [
        ("", 421),
        ("Host: \r\n", 421),
        ("Host: 127.0.0.1\r\nHost: evil.example\r\n", 421),
        ("Host: evil.example\r\nHost: 127.0.0.1\r\n", 421),
        ("Host: 127.0.0.1, evil.example\r\n", 421),
        ("Host: localhost.evil.example\r\n", 421),
        ("Host: localhost.\r\n", 421),
        ("Host: 127.1\r\n", 421),
        ("Host: 2130706433\r\n", 421),
        ("Host: 0.0.0.0\r\n", 421),
        ("Host: [::ffff:127.0.0.1]\r\n", 421),
        ("Host: 127.0.0.1\r\nOrigin: null\r\n", 403),
        ("Host: 127.0.0.1\r\nOrigin: \r\n", 403),
        ("Host: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n", 403),
        ("Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n", 200),
    ] {
        let request = format!("GET /healthz HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        assert_eq!(statuses(&sidecar, request.as_bytes()), [status], "{headers:?}");
    }
}

/// Each byte arrives in time, but the whole request does not.
#[test]
fn a_client_that_sends_one_byte_at_a_time_times_out() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &SHORT_TIMEOUTS);
    let head = format!("{POST}Content-Length: 1000000\r\n\r\n");
    let chunked = format!("{POST}Transfer-Encoding: chunked\r\n\r\n");
    for (at_once, piece, status) in
        [("", "G", None), (&*head, " ", Some("408")), (&*chunked, "1\r\n \r\n", Some("408"))]
    {
        let mut stream = TcpStream::connect(&sidecar.address).expect("a connection");
        stream.write_all(at_once.as_bytes()).expect("a head is taken");
        let mut reader = stream.try_clone().expect("a stream");
        let response = thread::spawn(move || {
            let mut response = String::new();
            let _ = reader.read_to_string(&mut response);
            response
        });
        // Until the sidecar closes the connection.
        while !response.is_finished() && stream.write_all(piece.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
        let response = response.join().expect("a reader");
        assert_eq!(response.split(' ').nth(1).filter(|_| status.is_some()), status, "{response:?}");
    }
    assert_eq!(executions_in(&shut_down(sidecar)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_does_not_block_other_clients() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__MAX_CONNECTIONS", "8"), ("COFFERDAM_SERVE__HEADER_SECONDS", "0.5")];
    let sidecar = Sidecar::start(&dir, &[], &settings);
    let flood: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(&sidecar.address)).collect::<io::Result<_>>().expect("a backlog");
    // Idle connections are closed eight at a time, and the request is answered.
    let response = sidecar.client().run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!(
        (response.status, &response.json["stdout"]["content"]),
        (200, &json!("1\n")),
        "{}",
        response.text
    );
    drop(flood);
    assert_eq!(sidecar.tcp_client().send("GET", "/healthz", &[], "").await.status, 200);
}

#[test]
fn existing_files_at_the_socket_path_are_neither_used_nor_removed() {
    let dir = TestDir::new();
    let path = |name: &str| dir.path().join(name);
    dir.write("file", "mine");
    let _other = UnixListener::bind(path("other")).expect("a socket");
    symlink(path("file"), path("to-a-file")).expect("a link");
    symlink(path("other"), path("to-a-socket")).expect("a link");
    symlink(path("nothing"), path("to-nothing")).expect("a link");
    std::fs::create_dir(path("folder")).expect("a folder");
    for (name, reason) in [
        ("file", "is not a socket"),
        ("folder", "is not a socket"),
        ("to-a-file", "is not a socket"),
        ("to-a-socket", "is not a socket"),
        ("to-nothing", "is not a socket"),
        ("other", "another process listens on the socket"),
        ("file/below", "Not a directory"),
        (&*"x".repeat(120), "path must be shorter"),
    ] {
        let output = dir.run(["serve", "--listen", &format!("unix:{}", path(name).display())]);
        assert_eq!(output.status.code(), Some(125), "{name}");
        assert!(stderr(&output).contains(reason), "{name}: {}", stderr(&output));
    }
    assert_eq!(std::fs::read(path("file")).expect("a file"), b"mine");
    for link in ["to-a-file", "to-a-socket", "to-nothing"] {
        assert!(path(link).is_symlink(), "{link}");
    }
    assert!(path("other").exists() && !path("nothing").exists());
}
