//! Valid requests to the sidecar.

mod bad_input;
mod body_sizes;
mod capacity;
mod connections;
mod detached;
mod files;
mod hostile_clients;
mod lifecycle;
mod memory;
mod outcomes;
mod sandbox_start;
mod schemathesis;
pub(crate) mod tenants;
mod tls;
mod tracing;

use super::cleanup::assert_no_leaks;
use cofferdam_tests::{
    program::TestDir,
    sidecar::{HttpResponse, Sidecar},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

const STREAM: (&str, &str) = ("accept", "text/event-stream");
const DETACHED: (&str, &str) = ("prefer", "respond-async");

/// A program that runs until it is cancelled.
fn endless() -> Value {
    json!({ "code": "import time\nprint('now', flush=True)\ntime.sleep(600)" })
}

/// The number of executions in the log.
fn executions_in(log: &str) -> usize {
    log.matches("requested id=").count()
}

/// The names and data of the events in a response.
fn events(response: &HttpResponse) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let (name, data) = event.strip_prefix("event: ")?.split_once("\ndata: ")?;
        Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
    };
    response.text.split("\n\n").filter_map(event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_contains_status_output_and_files() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let request = json!({
        "code": "import os, sys\nos.write(1, b'\\xff')\nprint('e', file=sys.stderr)\n\
                 open('out', 'w').write(open('in').read() + sys.stdin.read() + sys.argv[1] + os.environ['A'])\nsys.exit(3)",
        "args": ["arg"],
        "env": { "A": "env" },
        "stdin": { "base64": "c3RkaW4=" },
        "files": [{ "path": "in", "content": "file" }],
        "collect": ["out"],
        "limits": { "wall_time_ms": 60_000 },
        "labels": { "session": "1" },
    });
    for client in [sidecar.client(), sidecar.tcp_client()] {
        let response = client.run(&request, &[]).await;
        assert_eq!(
            (response.status, &response.json["status"]),
            (200, &json!({ "exited": 3 })),
            "{}",
            response.text
        );
        assert_eq!(response.json["stdout"], json!({ "content": { "base64": "/w==" }, "length": 1 }));
        assert_eq!(response.json["stderr"]["content"], "e\n");
        assert_eq!(response.json["files"], json!([{ "path": "out", "content": "filestdinargenv" }]));
        assert!(response.json["timings_ms"]["queued"].is_u64(), "{}", response.text);
        assert_eq!(response.headers["cofferdam-version"], "0.1.0");
    }
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_command_line_are_the_defaults_of_requests() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &["--timeout", "0.5", "--memory", "128Mi"], &[]);
    let code = "int(open('/sys/fs/cgroup/memory.max').read()) == 128 << 20 or exit(1)\nwhile True: pass";
    let response = sidecar.client().run(&json!({ "code": code }), &[]).await;
    assert_eq!(response.json["status"], "timed-out", "{}", response.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_while_the_program_runs() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let mut stream = client.start(&endless(), &[STREAM]).await;
    assert_eq!(stream.status(), 200);
    let received = stream.read_until("event: stdout").await;
    let id = received.split('"').nth(3).expect("an id").to_owned();
    let path = format!("/v1/executions/{id}");
    let found = client.send("GET", &path, &[], "").await;
    assert_eq!(found.json, json!({ "id": id, "state": "running" }));
    let cancelled = client.send("DELETE", &path, &[], "").await;
    assert_eq!((cancelled.status, &cancelled.json["outcome"]["status"]), (200, &json!("cancelled")));
    assert_no_leaks(&dir);
    let rest = stream.read().await;
    let events = events(&rest);
    let (name, last) = events.last().expect("an end");
    assert_eq!((name.as_str(), &last["ended"]["stdout"]["content"]), ("ended", &json!("now\n")));
    let order = ["accepted", "queued", "started", "stdout"].map(|event| received.find(event).expect(event));
    assert!(order.is_sorted(), "{received}");
    // An execution that has ended keeps its state.
    assert_eq!(client.send("DELETE", &path, &[], "").await.json["state"], "ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_execution_ends_its_stream_with_the_problem() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let request = json!({ "code": "print(1)", "limits": { "startup_time_ms": 1 } });
    let response = sidecar.client().run(&request, &[STREAM]).await;
    let events = events(&response);
    let (name, last) = events.last().expect("an end");
    assert_eq!(name, "failed", "{}", response.text);
    assert_eq!(last["failed"]["id"], events[0].1["accepted"]);
    let plain = sidecar.client().run(&request, &[]).await;
    assert_eq!(plain.json["status"], plain.status, "{}", plain.text);
    assert_eq!(plain.headers["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_misses_events_but_gets_the_whole_outcome() {
    const SIZE: usize = 32 << 20;
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let code = format!("import os\nfor _ in range({}): os.write(1, b'x' * 4096)", SIZE / 4096);
    let request = json!({ "code": code, "limits": { "output_bytes": SIZE } });
    let mut stream = sidecar.client().start(&request, &[STREAM]).await;
    stream.read_until("accepted").await;
    sidecar.wait_for("ran id=");
    let response = stream.read().await;
    assert!(response.text.contains("events were not kept for so slow a reader"), "{}", response.text.len());
    let events = events(&response);
    let (_, last) = events.last().expect("an end");
    assert_eq!(last["ended"]["stdout"]["content"].as_str().map(str::len), Some(SIZE));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_makes_two_requests_one_execution() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let request = json!({ "code": "import time; time.sleep(0.5); print(1)" });
    let key = [("idempotency-key", "k1")];
    let (one, other) = tokio::join!(client.run(&request, &key), client.run(&request, &key));
    assert_eq!((one.status, &one.json), (200, &other.json), "{}", one.text);
    assert_eq!(client.run(&request, &key).await.json, one.json);
    let another = client.run(&json!({ "code": "print(2)" }), &key).await;
    assert_eq!((another.status, &another.json["code"]), (422, &json!("invalid-request")), "{}", another.text);
    assert_ne!(client.run(&request, &[("idempotency-key", "k2")]).await.json["id"], one.json["id"]);
    sidecar.signal(Signal::TERM);
    assert_eq!(executions_in(&sidecar.end().1), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_connection_cancels_the_execution() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    for headers in [&[][..], &[STREAM]] {
        let client = sidecar.client();
        let task = tokio::spawn(async move { client.run(&endless(), headers).await });
        sidecar.wait_for("the program runs");
        task.abort();
        let line = sidecar.wait_for("ran id=");
        assert!(line.contains("status=Cancelled"), "{line}");
        assert_no_leaks(&dir);
    }
    let output = dir.run(["gc"]);
    assert_eq!(output.stdout, b"nothing to delete\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_execution_outlives_its_connection() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let request = json!({ "code": "import time; time.sleep(0.5); print('alone')" });
    let key = ("idempotency-key", "k");
    let accepted = client.run(&request, &[DETACHED, key]).await;
    assert_eq!((accepted.status, &accepted.json["state"]), (202, &json!("queued")));
    assert_eq!(accepted.headers["preference-applied"], "respond-async");
    let location = accepted.headers["location"].to_str().expect("a path").to_owned();
    assert!(location.ends_with(accepted.json["id"].as_str().expect("an id")));
    // The same request without the preference waits for the same execution.
    let outcome = client.run(&request, &[key]).await;
    let found = client.send("GET", &location, &[], "").await;
    assert_eq!(found.json, json!({ "id": accepted.json["id"], "state": "ended", "outcome": outcome.json }));
    assert_eq!(outcome.json["stdout"]["content"], "alone\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_openapi_are_served() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    client.run(&json!({ "code": "print(1)" }), &[]).await;
    for (path, part) in [
        ("/healthz", "ok"),
        ("/readyz", "ok"),
        ("/metrics", "cofferdam_runs_total{result=\"succeeded\"} 1"),
        ("/v1/openapi.json", "\"/v1/executions/{id}\""),
    ] {
        let response = client.send("GET", path, &[], "").await;
        assert!(response.status == 200 && response.text.contains(part), "{path}: {}", response.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_without_its_state_directory_is_not_ready() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    fs::remove_dir_all(dir.state()).expect("the state folder");
    let response = sidecar.client().send("GET", "/readyz", &[], "").await;
    assert_eq!(
        (response.status, &response.json["code"]),
        (503, &json!("sandbox-unavailable")),
        "{}",
        response.text
    );
    assert!(!response.text.contains(&*dir.state().to_string_lossy()), "{}", response.text);
}
