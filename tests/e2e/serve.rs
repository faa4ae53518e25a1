//! Valid requests to the sidecar.

mod bad_input;
mod capacity;
mod connections;
mod detached;
mod hostile_clients;
mod lifecycle;
mod memory;
mod outcomes;
mod sandbox_start;
mod schemathesis;
mod tenants;
mod tls;
mod tracing;

use super::cleanup::assert_nothing_left;
use cofferdam_tests::{
    program::Place,
    sidecar::{Answer, Sidecar},
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

/// The names and data of the events in an answer.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let (name, data) = event.strip_prefix("event: ")?.split_once("\ndata: ")?;
        Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
    };
    answer.text.split("\n\n").filter_map(event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_contains_status_output_and_files() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
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
    for caller in [sidecar.caller(), sidecar.tcp_caller()] {
        let answer = caller.run(&request, &[]).await;
        assert_eq!((answer.status, &answer.json["status"]), (200, &json!({ "exited": 3 })), "{}", answer.text);
        assert_eq!(answer.json["stdout"], json!({ "content": { "base64": "/w==" }, "length": 1 }));
        assert_eq!(answer.json["stderr"]["content"], "e\n");
        assert_eq!(answer.json["files"], json!([{ "path": "out", "content": "filestdinargenv" }]));
        assert!(answer.json["timings_ms"]["queued"].is_u64(), "{}", answer.text);
        assert_eq!(answer.headers["cofferdam-version"], "0.1.0");
    }
    assert_nothing_left(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_while_the_program_runs() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.caller();
    let mut stream = caller.start(&endless(), &[STREAM]).await;
    assert_eq!(stream.status(), 200);
    let received = stream.read_until("event: stdout").await;
    let id = received.split('"').nth(3).expect("an id").to_owned();
    let path = format!("/v1/executions/{id}");
    let found = caller.send("GET", &path, &[], "").await;
    assert_eq!(found.json, json!({ "id": id, "state": "running" }));
    let cancelled = caller.send("DELETE", &path, &[], "").await;
    assert_eq!((cancelled.status, &cancelled.json["outcome"]["status"]), (200, &json!("cancelled")));
    assert_nothing_left(&place);
    let rest = stream.read().await;
    let events = events(&rest);
    let (name, last) = events.last().expect("an end");
    assert_eq!((name.as_str(), &last["ended"]["stdout"]["content"]), ("ended", &json!("now\n")));
    let order = ["accepted", "queued", "started", "stdout"].map(|event| received.find(event).expect(event));
    assert!(order.is_sorted(), "{received}");
    // An execution that has ended keeps its state.
    assert_eq!(caller.send("DELETE", &path, &[], "").await.json["state"], "ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_execution_ends_its_stream_with_the_problem() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let request = json!({ "code": "print(1)", "limits": { "startup_time_ms": 1 } });
    let answer = sidecar.caller().run(&request, &[STREAM]).await;
    let events = events(&answer);
    let (name, last) = events.last().expect("an end");
    assert_eq!(name, "failed", "{}", answer.text);
    assert_eq!(last["failed"]["id"], events[0].1["accepted"]);
    let plain = sidecar.caller().run(&request, &[]).await;
    assert_eq!(plain.json["status"], plain.status, "{}", plain.text);
    assert_eq!(plain.headers["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_misses_events_but_gets_the_whole_outcome() {
    const SIZE: usize = 32 << 20;
    let place = Place::new();
    let mut sidecar = Sidecar::start(&place, &[], &[]);
    let code = format!("import os\nfor _ in range({}): os.write(1, b'x' * 4096)", SIZE / 4096);
    let request = json!({ "code": code, "limits": { "output_bytes": SIZE } });
    let mut stream = sidecar.caller().start(&request, &[STREAM]).await;
    stream.read_until("accepted").await;
    sidecar.wait_for("ran id=");
    let answer = stream.read().await;
    assert!(answer.text.contains("events were not kept for so slow a reader"), "{}", answer.text.len());
    let events = events(&answer);
    let (_, last) = events.last().expect("an end");
    assert_eq!(last["ended"]["stdout"]["content"].as_str().map(str::len), Some(SIZE));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_makes_two_requests_one_execution() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.caller();
    let request = json!({ "code": "import time; time.sleep(0.5); print(1)" });
    let key = [("idempotency-key", "k1")];
    let (one, other) = tokio::join!(caller.run(&request, &key), caller.run(&request, &key));
    assert_eq!((one.status, &one.json), (200, &other.json), "{}", one.text);
    assert_eq!(caller.run(&request, &key).await.json, one.json);
    let another = caller.run(&json!({ "code": "print(2)" }), &key).await;
    assert_eq!((another.status, &another.json["code"]), (422, &json!("invalid-request")), "{}", another.text);
    assert_ne!(caller.run(&request, &[("idempotency-key", "k2")]).await.json["id"], one.json["id"]);
    sidecar.signal(Signal::TERM);
    assert_eq!(executions_in(&sidecar.end().1), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_connection_cancels_the_execution() {
    let place = Place::new();
    let mut sidecar = Sidecar::start(&place, &[], &[]);
    for headers in [&[][..], &[STREAM]] {
        let caller = sidecar.caller();
        let task = tokio::spawn(async move { caller.run(&endless(), headers).await });
        sidecar.wait_for("the program runs");
        task.abort();
        let line = sidecar.wait_for("ran id=");
        assert!(line.contains("status=Cancelled"), "{line}");
        assert_nothing_left(&place);
    }
    let output = place.run(["gc"]);
    assert_eq!(output.stdout, b"nothing was left\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_execution_outlives_its_connection() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.caller();
    let request = json!({ "code": "import time; time.sleep(0.5); print('alone')" });
    let key = ("idempotency-key", "k");
    let accepted = caller.run(&request, &[DETACHED, key]).await;
    assert_eq!((accepted.status, &accepted.json["state"]), (202, &json!("queued")));
    assert_eq!(accepted.headers["preference-applied"], "respond-async");
    let location = accepted.headers["location"].to_str().expect("a path").to_owned();
    assert!(location.ends_with(accepted.json["id"].as_str().expect("an id")));
    // The same request without the preference waits for the same execution.
    let outcome = caller.run(&request, &[key]).await;
    let found = caller.send("GET", &location, &[], "").await;
    assert_eq!(found.json, json!({ "id": accepted.json["id"], "state": "ended", "outcome": outcome.json }));
    assert_eq!(outcome.json["stdout"]["content"], "alone\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_openapi_are_served() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.caller();
    caller.run(&json!({ "code": "print(1)" }), &[]).await;
    for (path, part) in [
        ("/healthz", "ok"),
        ("/readyz", "ok"),
        ("/metrics", "cofferdam_runs_total{result=\"succeeded\"} 1"),
        ("/v1/openapi.json", "\"/v1/executions/{id}\""),
    ] {
        let answer = caller.send("GET", path, &[], "").await;
        assert!(answer.status == 200 && answer.text.contains(part), "{path}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_without_its_state_directory_is_not_ready() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    fs::remove_dir_all(place.state()).expect("the state folder");
    let answer = sidecar.caller().send("GET", "/readyz", &[], "").await;
    assert_eq!((answer.status, &answer.json["code"]), (503, &json!("sandbox-unavailable")), "{}", answer.text);
    assert!(!answer.text.contains(&*place.state().to_string_lossy()), "{}", answer.text);
}
