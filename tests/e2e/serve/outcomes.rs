//! The memory of outcomes in a sidecar, and how long they can be read.

use super::{
    DETACHED, STREAM, endless,
    tenants::{ONE, TWO, start_with},
};
use cofferdam_tests::{
    cgroup::memory,
    program::TestDir,
    sidecar::{HttpClient, Sidecar},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

const MIB: u64 = 1 << 20;
/// More memory than the sidecar uses without outcomes.
const BASE_MEMORY: u64 = 100 * MIB;

/// A program that prints this number of MiB.
fn prints(mebibytes: u64) -> Value {
    json!({ "code": format!("import sys; sys.stdout.write('x' * ({mebibytes} << 20))") })
}

/// Runs a detached execution to its end and returns its path.
async fn run_detached(client: &HttpClient, request: &Value) -> String {
    let accepted = client.run(request, &[DETACHED]).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let path = accepted.headers["location"].to_str().expect("a path").to_owned();
    while client.send("GET", &path, &[("prefer", "wait=30")], "").await.json["state"] != "ended" {}
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn evicted_outcomes_are_freed_from_memory() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__KEPT_LIMIT", "20Mi")]);
    let client = sidecar.client();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let response = client.run(&prints(8), &[]).await;
        assert_eq!(response.status, 200);
        ids.push(response.json["id"].as_str().expect("an id").to_owned());
    }
    let mut statuses = Vec::new();
    for id in [&ids[0], &ids[19]] {
        statuses.push(client.open("GET", &format!("/v1/executions/{id}"), &[], "").await.status());
    }
    assert_eq!(statuses, [410, 200]);
    let (held, _) = memory(sidecar.pid());
    assert!(held < 20 * MIB + BASE_MEMORY, "{} MiB after 160 MiB of outcomes", held / MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_one_outcome_share_its_memory() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let path = run_detached(&client, &prints(16)).await;
    let mut unread = Vec::new();
    for number in 0..40 {
        let headers = if number % 2 == 0 { &[][..] } else { &[STREAM] };
        let response = client.open("GET", &path, headers, "").await;
        assert_eq!(response.status(), 200);
        unread.push(response);
    }
    // After one whole read, the other responses are written as far as their sockets allow.
    let whole = client.send("GET", &path, &[], "").await;
    assert_eq!(whole.json["outcome"]["stdout"]["content"].as_str().map(str::len), Some(16 << 20));
    let (held, _) = memory(sidecar.pid());
    assert!(held < 16 * MIB + BASE_MEMORY, "{} MiB with 40 readers of 16 MiB", held / MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_read_too_slowly_is_aborted() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__ANSWER_SECONDS", "1")]);
    let client = sidecar.client();
    // A client that reads everything is not affected.
    let mut follower = client.start(&endless(), &[STREAM]).await;
    let received = follower.read_until("now").await;
    let path = run_detached(&client, &prints(16)).await;
    let mut stream = UnixStream::connect(dir.path().join("s.sock")).expect("a socket");
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("a request");
    let reader = thread::spawn(move || {
        let mut byte = [0];
        // One byte at a time, until the bytes that the kernel still has after the abort are read.
        while stream.read(&mut byte).is_ok_and(|read| read > 0) {
            thread::sleep(Duration::from_millis(1));
        }
    });
    sidecar.wait_for("a connection ended with an error");
    drop(reader);
    let running = format!("/v1/executions/{}", received.split('"').nth(3).expect("an id"));
    assert_eq!(client.send("GET", &running, &[], "").await.json["state"], "running");
    assert_eq!(client.send("DELETE", &running, &[], "").await.status, 200);
    assert!(follower.read().await.text.contains("cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_unread_outcomes_is_refused_and_others_are_not() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__KEPT_LIMIT", "1Mi"), ("COFFERDAM_SERVE__UNREAD_LIMIT", "12Mi")];
    let sidecar = start_with(&dir, "[serve]\nmax_runs = 4\n", &settings);
    let (one, two) = (sidecar.client().with_token(ONE), sidecar.client().with_token(TWO));
    let mut unread = vec![one.start(&prints(8), &[]).await, one.start(&prints(8), &[]).await];
    let refused = one.run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("overloaded")), "{}", refused.text);
    assert!(refused.text.contains("serve.unread_limit"), "{}", refused.text);
    assert_eq!(two.run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
    let read = unread.pop().expect("a response").read().await;
    assert_eq!(read.json["stdout"]["length"], 8 << 20);
    assert_eq!(one.run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
}
