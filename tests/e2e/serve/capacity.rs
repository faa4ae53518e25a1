//! The sidecar accepts requests up to its capacity and refuses further ones immediately.

use super::{endless, executions_in};
use crate::cleanup::assert_no_leaks;
use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use rustix::process::Signal;
use serde_json::json;
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};
use tokio::{task::JoinSet, time::timeout};

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_capacity_are_refused_immediately() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "1"), ("COFFERDAM_SERVE__MAX_QUEUED", "0")];
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    let client = sidecar.client();
    let first = client.start(&endless(), &[super::STREAM]).await;
    sidecar.wait_for("the program runs");
    let response = client.run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!((response.status, &response.json["code"]), (429, &json!("overloaded")), "{}", response.text);
    assert_eq!(
        (response.headers["retry-after"].as_bytes(), &response.json["retryable"]),
        (&b"1"[..], &json!(true))
    );
    // The body of this request never arrives; the response does not wait for it.
    let mut raw = UnixStream::connect(dir.path().join("s.sock")).expect("a socket");
    let head = "POST /v1/executions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n";
    raw.write_all(head.as_bytes()).expect("a request");
    let mut status = [0; 12];
    raw.read_exact(&mut status).expect("a response");
    assert_eq!(&status, b"HTTP/1.1 429");
    let metrics = client.send("GET", "/metrics", &[], "").await.text;
    assert!(metrics.contains("cofferdam_runs_in_flight 1\n"), "{metrics}");
    drop(first);
    sidecar.wait_for("ran id=");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_request_is_refused_after_the_queue_timeout() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "1"), ("COFFERDAM_SERVE__QUEUE_SECONDS", "0.2")];
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    let client = sidecar.client();
    let _first = client.start(&endless(), &[super::STREAM]).await;
    sidecar.wait_for("the program runs");
    let key = [("idempotency-key", "k")];
    let response = client.run(&json!({ "code": "print(1)" }), &key).await;
    assert_eq!((response.status, &response.json["code"]), (429, &json!("overloaded")), "{}", response.text);
    // It did not run, so its key can be used again.
    let again = client.run(&json!({ "code": "print(1)" }), &key).await;
    assert!(again.status == 429 && again.json["id"] != response.json["id"], "{}", again.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_the_same_key_share_one_execution() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "1"), ("COFFERDAM_SERVE__MAX_QUEUED", "1")];
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    let client = sidecar.client();
    let again = [super::STREAM, ("idempotency-key", "k")];
    let mut streams = Vec::new();
    for _ in 0..4 {
        let stream = client.start(&endless(), &again).await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    sidecar.wait_for("the program runs");
    let metrics = client.send("GET", "/metrics", &[], "").await.text;
    assert!(metrics.contains("cofferdam_runs_queued 0\n"), "{metrics}");
    // Only the last closed connection cancels the execution.
    streams.truncate(1);
    let id = streams[0].read_until("now").await.split('"').nth(3).expect("an id").to_owned();
    let found = client.send("GET", &format!("/v1/executions/{id}"), &[], "").await;
    assert_eq!(found.json["state"], "running");
    streams.clear();
    assert!(sidecar.wait_for("ran id=").contains("status=Cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_time_counts_towards_the_startup_timeout() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__MAX_RUNS", "1")]);
    let client = sidecar.client();
    let _first = client.start(&endless(), &[super::STREAM]).await;
    sidecar.wait_for("the program runs");
    let request = json!({ "code": "print(1)", "limits": { "startup_time_ms": 200 } });
    let response = client.run(&request, &[]).await;
    assert_eq!((response.status, &response.json["retryable"]), (429, &json!(true)), "{}", response.text);
}

/// Every tenth client closes its connection early, and four programs may run at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_concurrent_requests_are_answered_or_refused_and_none_runs_twice() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "4"), ("COFFERDAM_SERVE__MAX_QUEUED", "60")];
    let sidecar = Sidecar::start(&dir, &[], &settings);
    let mut callers = JoinSet::new();
    for number in 0..100 {
        let client = if number % 2 == 0 { sidecar.client() } else { sidecar.tcp_client() };
        callers.spawn(async move {
            let request = json!({ "code": format!("print({number})") });
            if number % 10 == 9 {
                let _ = timeout(Duration::from_millis(10 * number), client.run(&request, &[])).await;
                return (None, 0);
            }
            let response = client.run(&request, &[]).await;
            match response.status {
                200 => assert_eq!(response.json["stdout"]["content"], format!("{number}\n")),
                429 => assert_eq!(response.json["code"], "overloaded"),
                _ => panic!("{} {}", response.status, response.text),
            }
            (response.json["id"].as_str().map(str::to_owned), response.status)
        });
    }
    let responses = callers.join_all().await;
    let count = |status| responses.iter().filter(|(_, found)| *found == status).count();
    assert_eq!(count(200) + count(429), 90);
    assert!(count(200) >= 4, "{}", count(200));
    let ids: Vec<_> = responses.iter().filter_map(|(id, _)| id.as_ref()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    sidecar.signal(Signal::TERM);
    let (status, log) = sidecar.end();
    assert_eq!(status.code(), Some(0), "{log}");
    let runs = executions_in(&log);
    assert!((count(200)..=count(200) + 10).contains(&runs), "{runs} runs, {} outcomes", count(200));
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_headers_and_bodies_time_out() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__HEADER_SECONDS", "0.2"), ("COFFERDAM_SERVE__BODY_SECONDS", "0.2")];
    let _sidecar = Sidecar::start(&dir, &[], &settings);
    let post = "POST /v1/executions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    for (request, expected) in [
        ("", ""),
        ("GET /healthz HTTP/1.1\r\nHo", ""),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"),
        (post, "HTTP/1.1 408"),
    ] {
        let mut raw = UnixStream::connect(dir.path().join("s.sock")).expect("a socket");
        raw.write_all(request.as_bytes()).expect("a request");
        let mut response = String::new();
        // Wait for the end of the connection.
        let _ = raw.read_to_string(&mut response);
        assert!(
            response.starts_with(expected) && (!expected.is_empty() || response.is_empty()),
            "{request:?}: {response:?}"
        );
    }
}
