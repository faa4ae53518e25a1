//! Spans that the sidecar exports to a collector.

use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use rustix::process::Signal;
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

const TRACE: [u8; 16] =
    [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
const PARENT: [u8; 8] = [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31];
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Starts a collector; returns its address, and the head and the body of each request.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).expect("a head");
            }
            let head = head.to_ascii_lowercase();
            let length =
                head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).expect("a length");
            let mut body = vec![0; length.parse().expect("a number")];
            reader.read_exact(&mut body).expect("a body");
            reader
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                .expect("a client");
            sender.send((head, body)).expect("a test");
        }
    });
    (address, requests)
}

fn has(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_a_span_of_the_callers_trace() {
    let (address, requests) = collector();
    let dir = TestDir::new();
    // By the setting, and by OpenTelemetry's standard variable.
    for (name, options) in
        [("COFFERDAM_SERVE__OTLP_ENDPOINT", "serve"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel")]
    {
        let sidecar =
            Sidecar::start(&dir, &[], &[(name, &address), ("OTEL_RESOURCE_ATTRIBUTES", "team=red")]);
        let response =
            sidecar.client().run(&json!({ "code": "print(1)" }), &[("traceparent", TRACEPARENT)]).await;
        let id = response.json["id"].as_str().expect("an id").to_owned();
        sidecar.signal(Signal::TERM);
        let (status, log) = sidecar.end();
        assert!(status.success(), "{options}: {log}");
        // The sidecar flushes its spans at shutdown.
        let (head, body) = requests.try_recv().expect("spans");
        assert!(
            head.starts_with("post /v1/traces ") && head.contains("application/x-protobuf"),
            "{options}: {head}"
        );
        for part in
            [&TRACE[..], &PARENT, b"execution", id.as_bytes(), b"default", b"team", b"requested", b"ran"]
        {
            assert!(has(&body, part), "{options}: no {} in {}", part.escape_ascii(), body.escape_ascii());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_collector_does_not_affect_executions() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    let response = sidecar.client().run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!(response.status, 200, "{}", response.text);
    sidecar.signal(Signal::TERM);
    sidecar.wait_for("spans could not be sent to the collector");
    assert!(sidecar.end().0.success());
}
