//! Large bodies: what is accepted, and how a refusal reaches a caller that is still sending.

use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use rustix::fs::{Mode, chmod};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

const JSON: (&str, &str) = ("content-type", "application/json");
const EXECUTIONS: &str = "/v1/executions";

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_hundred_megabytes_is_too_large() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    for client in [sidecar.client(), sidecar.tcp_client()] {
        let response = client.send("POST", EXECUTIONS, &[JSON], vec![b' '; 100 << 20]).await;
        assert_eq!(
            (response.status, &response.json["code"]),
            (413, &json!("too-large")),
            "{}",
            response.text
        );
    }
    assert_eq!(sidecar.client().run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
}

#[test]
fn an_early_refusal_is_received_and_keeps_the_connection() {
    let dir = TestDir::new();
    dir.write("token", "sixteen-or-more-characters");
    chmod(dir.path().join("token"), Mode::from_raw_mode(0o600)).expect("a file");
    let sidecar = Sidecar::start(&dir, &["--token-file", "token"], &[]);
    let body = vec![b' '; 6 << 20];
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&sidecar.address).expect("a connection");
        let head = format!(
            "POST {EXECUTIONS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a head is taken");
        stream.write_all(&body).expect("a body is taken");
        let next = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(next).expect("a second request is taken");
        let mut responses = String::new();
        stream.read_to_string(&mut responses).expect("responses");
        assert!(responses.starts_with("HTTP/1.1 401") && responses.contains("HTTP/1.1 200"), "{responses}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_up_to_the_limit_are_accepted() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let bytes = vec![0xff; 8 << 20];
    let content = json!({ "base64": base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes) });
    let code = "import os, sys\nprint(len(sys.stdin.buffer.read()), os.path.getsize('f'))";
    let request = json!({ "code": code, "stdin": content, "files": [{ "path": "f", "content": content }] });
    let response = sidecar.client().run(&request, &[]).await;
    assert_eq!(
        response.json["stdout"]["content"], "8388608 8388608\n",
        "{} {}",
        response.status, response.json["detail"]
    );
}
