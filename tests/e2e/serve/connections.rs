//! Limits of connections, and which connections are closed to admit others.

use super::{
    STREAM, endless,
    tenants::{ONE, TWO, start_with},
};
use cofferdam_tests::program::TestDir;
use serde_json::json;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};
use tokio::time::timeout;

/// Far shorter than the timeout of idle connections.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// Keeps idle connections open.
const LONG_HEADER_TIMEOUT: (&str, &str) = ("COFFERDAM_SERVE__HEADER_SECONDS", "600");

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_block_probes_or_tenants() {
    let dir = TestDir::new();
    let mut sidecar = start_with(&dir, "[serve]\nmax_connections = 8\n", &[LONG_HEADER_TIMEOUT]);
    let one = sidecar.tcp_client().with_token(ONE);
    let mut stream = one.start(&endless(), &[STREAM]).await;
    let received = stream.read_until("now").await;
    let flood: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(&sidecar.address)).collect::<io::Result<_>>().expect("a backlog");
    for path in ["/healthz", "/readyz", "/metrics"] {
        let response =
            timeout(RESPONSE_TIMEOUT, sidecar.tcp_client().send("GET", path, &[], "")).await.expect(path);
        assert_eq!(response.status, 200, "{path}");
    }
    let response =
        timeout(RESPONSE_TIMEOUT, one.run(&json!({ "code": "print(1)" }), &[])).await.expect("a response");
    assert_eq!(response.json["stdout"]["content"], "1\n", "{}", response.text);
    sidecar.wait_for("a connection was closed to make room");
    // The earlier connection, with a token, is still open.
    let path = format!("/v1/executions/{}", received.split('"').nth(3).expect("an id"));
    assert_eq!(one.send("DELETE", &path, &[], "").await.status, 200);
    assert!(stream.read().await.text.contains("cancelled"));
    drop(flood);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connections_of_a_tenant_are_limited() {
    let dir = TestDir::new();
    let sidecar = start_with(
        &dir,
        "[serve]\nmax_connections = 16\n[tenants.one]\nmax_connections = 3\n",
        &[LONG_HEADER_TIMEOUT],
    );
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let key = ("idempotency-key", "k");
    let mut streams = Vec::new();
    for _ in 0..3 {
        let stream = one.start(&endless(), &[STREAM, key]).await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let refused = one.start(&endless(), &[STREAM, key]).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.read().await.text.contains("tenants.one.max_connections"));
    assert_eq!(two.run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
    assert_eq!(sidecar.client().send("GET", "/healthz", &[], "").await.status, 200);
    streams.truncate(2);
    // The sidecar notices the closed connection at its next read or write.
    while one.start(&endless(), &[STREAM, key]).await.status() == 429 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_keep_alive_connection_is_closed_for_the_tenants_next() {
    let dir = TestDir::new();
    let sidecar = start_with(&dir, "[tenants.one]\nmax_connections = 1\n", &[LONG_HEADER_TIMEOUT]);
    let kept_alive = || {
        let mut stream = TcpStream::connect(&sidecar.address).expect("a connection");
        let request =
            format!("GET /v1/executions/run-0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ONE}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("a response");
        assert_eq!(&status, b"HTTP/1.1 404");
        stream
    };
    let (mut first, _second) = (kept_alive(), kept_alive());
    // Wait for its end.
    let _ = first.read_to_end(&mut Vec::new());
}
