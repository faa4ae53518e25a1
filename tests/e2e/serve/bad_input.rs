//! Invalid requests to the sidecar: each gets a problem with a code, and none hangs.

use crate::cleanup::assert_no_leaks;
use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use rustix::fs::{Mode, chmod};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

const JSON: (&str, &str) = ("content-type", "application/json");
/// Method, path, headers and body of a request; status, code and part of the detail of its response.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str, &'a str);

const EXECUTIONS: &str = "/v1/executions";

#[tokio::test(flavor = "multi_thread")]
async fn each_invalid_request_has_its_problem_code() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let hello = r#"{"code":"print(1)"}"#;
    // The end is not JSON, which shows that the parser stops before it.
    let many: &str = format!(r#"{{"code":"1","args":[{}oops"#, r#""","#.repeat(1025)).leak();
    let cases: &[Case<'_>] = &[
        ("POST", EXECUTIONS, &[JSON], "{", 400, "invalid-request", "is not JSON"),
        ("POST", EXECUTIONS, &[JSON], "", 400, "invalid-request", "is not JSON"),
        ("POST", EXECUTIONS, &[JSON], "{}", 400, "invalid-request", "missing field `code`"),
        ("POST", EXECUTIONS, &[JSON], r#"{"code":"1","x":1}"#, 400, "invalid-request", "unknown field `x`"),
        ("POST", EXECUTIONS, &[JSON], r#"["1"]"#, 400, "invalid-request", "expected an object"),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"["1",null,[],{},null,[],[],{},null,{}]"#,
            400,
            "invalid-request",
            "expected an object",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"{"code":"1","files":[["a","b"]]}"#,
            400,
            "invalid-request",
            "files: invalid type",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"{"code":"1","limits":[1,1,1]}"#,
            400,
            "invalid-request",
            "limits: invalid type",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"{"code":"1","stdin":["YQ=="]}"#,
            400,
            "invalid-request",
            "stdin: invalid type",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"{"code":"1","stdin":{"base64":"?"}}"#,
            400,
            "invalid-request",
            "is not valid base64",
        ),
        ("POST", EXECUTIONS, &[JSON], r#"{"code":"1","env":{"A":"1","A":"2"}}"#, 400, "invalid-request", "given twice"),
        ("POST", EXECUTIONS, &[JSON], many, 413, "too-large", "args: too large: at most 1024 arguments are allowed"),
        ("POST", EXECUTIONS, &[JSON], r#"{"code":"1","network":"x"}"#, 403, "denied", "network profile"),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"{"code":"1","limits":{"memory_bytes":1099511627776}}"#,
            403,
            "denied",
            "ceiling",
        ),
        ("POST", EXECUTIONS, &[], hello, 415, "invalid-request", "application/json"),
        ("POST", EXECUTIONS, &[("content-type", "text/plain")], hello, 415, "invalid-request", "application/json"),
        ("POST", EXECUTIONS, &[JSON, ("accept", "text/html")], hello, 406, "invalid-request", "text/event-stream"),
        (
            "POST",
            EXECUTIONS,
            &[JSON, ("accept", "text/event-stream;q=0, */*;q=0.0")],
            hello,
            406,
            "invalid-request",
            "Accept",
        ),
        ("POST", EXECUTIONS, &[JSON, ("idempotency-key", "")], hello, 400, "invalid-request", "Idempotency-Key"),
        ("POST", EXECUTIONS, &[JSON, ("cofferdam-version", "0.9.0")], hello, 400, "invalid-request", "`0.9.0`"),
        ("POST", EXECUTIONS, &[JSON, ("cofferdam-version", "0.9.0")], hello, 400, "invalid-request", "version 0.1.0"),
        ("POST", EXECUTIONS, &[JSON, ("origin", "https://evil.example")], hello, 403, "denied", "Origin"),
        ("GET", "/v1/executions/run-00000000000000000000", &[], "", 404, "invalid-request", "execution not found"),
        ("DELETE", "/v1/executions/run-00000000000000000000", &[], "", 404, "invalid-request", "execution not found"),
        ("GET", "/v1/executions/%ff", &[], "", 404, "invalid-request", "execution not found"),
        ("GET", EXECUTIONS, &[], "", 405, "invalid-request", "method not allowed"),
        ("POST", "/healthz", &[], "", 405, "invalid-request", "method not allowed"),
        // Without such a method, the version is not checked.
        ("TRACE", EXECUTIONS, &[("cofferdam-version", "0.9.0")], "", 405, "invalid-request", "method not allowed"),
        ("GET", "/", &[], "", 404, "invalid-request", "openapi.json"),
    ];
    for (method, path, headers, body, status, code, part) in cases {
        let response = sidecar.client().send(method, path, headers, *body).await;
        let shown = format!("{method} {path} {headers:?} {body}: {} {}", response.status, response.text);
        assert_eq!((response.status, &response.json["code"]), (*status, &json!(code)), "{shown}");
        assert_eq!(response.headers["content-type"], "application/problem+json", "{shown}");
        assert_eq!(response.headers["cofferdam-version"], "0.1.0", "{shown}");
        assert_eq!(response.json["type"], format!("urn:cofferdam:{code}"), "{shown}");
        assert_eq!(response.json["status"], *status, "{shown}");
        assert!(response.json["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{shown}");
    }
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn nulls_base64_variants_and_accept_headers_are_tolerated() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let code = "import sys\nprint(sys.stdin.buffer.read(), open('a', 'rb').read())";
    let request = json!({
        "code": code,
        "language": null,
        "args": null,
        "env": null,
        "stdin": { "base64": "-__-\r\nYQ" },
        "files": [{ "path": "a", "content": { "base64": "+//+\n YQ==\n" } }],
        "collect": null,
        "limits": { "wall_time_ms": null, "processes": null },
        "network": null,
        "labels": null,
    });
    for (accept, media_type) in [
        ("text/event-stream;q=0.1, application/json", "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/event-stream"),
        ("application/json;q=0.1, text/event-stream;q=0.2", "text/event-stream"),
    ] {
        let response = sidecar.client().run(&request, &[("accept", accept)]).await;
        assert_eq!(response.status, 200, "{accept}: {}", response.text);
        assert_eq!(response.headers["content-type"], media_type, "{accept}");
        assert!(response.text.contains(r"b'\\xfb\\xff\\xfea' b'\\xfb\\xff\\xfea'"), "{accept}: {}", response.text);
    }
    let none = json!({ "code": "print(1)", "stdin": null, "files": null, "limits": null });
    assert_eq!(sidecar.client().run(&none, &[]).await.json["stdout"]["content"], "1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_hundred_megabytes_is_too_large() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    for client in [sidecar.client(), sidecar.tcp_client()] {
        let response = client.send("POST", EXECUTIONS, &[JSON], vec![b' '; 100 << 20]).await;
        assert_eq!((response.status, &response.json["code"]), (413, &json!("too-large")), "{}", response.text);
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
        let head = format!("POST {EXECUTIONS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
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

#[tokio::test(flavor = "multi_thread")]
async fn foreign_host_headers_are_refused_on_tcp() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.tcp_client();
    for (host, status) in [("evil.example", 421), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8787", 200)] {
        assert_eq!(client.send("GET", "/healthz", &[("host", host)], "").await.status, status, "{host}");
    }
    assert_eq!(sidecar.client().send("GET", "/healthz", &[("host", "whatever")], "").await.status, 200);
}
