//! Invalid requests to the sidecar: each gets a problem with a code, and none hangs.

use crate::cleanup::assert_no_leaks;
use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use serde_json::json;

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
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            r#"{"code":"1","env":{"A":"1","A":"2"}}"#,
            400,
            "invalid-request",
            "given twice",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON],
            many,
            413,
            "too-large",
            "args: too large: at most 1024 arguments are allowed",
        ),
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
        (
            "POST",
            EXECUTIONS,
            &[("content-type", "text/plain")],
            hello,
            415,
            "invalid-request",
            "application/json",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON, ("accept", "text/html")],
            hello,
            406,
            "invalid-request",
            "text/event-stream",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON, ("accept", "text/event-stream;q=0, */*;q=0.0")],
            hello,
            406,
            "invalid-request",
            "Accept",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON, ("idempotency-key", "")],
            hello,
            400,
            "invalid-request",
            "Idempotency-Key",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON, ("cofferdam-version", "0.9.0")],
            hello,
            400,
            "invalid-request",
            "`0.9.0`",
        ),
        (
            "POST",
            EXECUTIONS,
            &[JSON, ("cofferdam-version", "0.9.0")],
            hello,
            400,
            "invalid-request",
            "version 0.1.0",
        ),
        ("POST", EXECUTIONS, &[JSON, ("origin", "https://evil.example")], hello, 403, "denied", "Origin"),
        (
            "GET",
            "/v1/executions/run-00000000000000000000",
            &[],
            "",
            404,
            "invalid-request",
            "execution not found",
        ),
        (
            "DELETE",
            "/v1/executions/run-00000000000000000000",
            &[],
            "",
            404,
            "invalid-request",
            "execution not found",
        ),
        ("GET", "/v1/executions/%ff", &[], "", 404, "invalid-request", "execution not found"),
        ("GET", EXECUTIONS, &[], "", 405, "invalid-request", "method not allowed"),
        ("POST", "/healthz", &[], "", 405, "invalid-request", "method not allowed"),
        // Without such a method, the version is not checked.
        (
            "TRACE",
            EXECUTIONS,
            &[("cofferdam-version", "0.9.0")],
            "",
            405,
            "invalid-request",
            "method not allowed",
        ),
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
        assert!(
            response.text.contains(r"b'\\xfb\\xff\\xfea' b'\\xfb\\xff\\xfea'"),
            "{accept}: {}",
            response.text
        );
    }
    let none = json!({ "code": "print(1)", "stdin": null, "files": null, "limits": null });
    assert_eq!(sidecar.client().run(&none, &[]).await.json["stdout"]["content"], "1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_host_headers_are_refused_on_tcp() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.tcp_client();
    for (host, status) in
        [("evil.example", 421), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8787", 200)]
    {
        assert_eq!(client.send("GET", "/healthz", &[("host", host)], "").await.status, status, "{host}");
    }
    assert_eq!(sidecar.client().send("GET", "/healthz", &[("host", "whatever")], "").await.status, 200);
}
