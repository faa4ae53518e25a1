//! Detached executions can be streamed and waited for.

use super::{DETACHED, STREAM, endless};
use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_execution_can_be_streamed_to_its_end() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let code = "import sys\nprint('a', flush=True)\nsys.stdin.read()\nimport time\ntime.sleep(600)";
    let accepted = client.run(&json!({ "code": code }), &[DETACHED]).await;
    let path = accepted.headers["location"].to_str().expect("a path").to_owned();
    sidecar.wait_for("the program runs");
    let mut one = client.open("GET", &path, &[STREAM], "").await;
    let mut other = client.open("GET", &path, &[STREAM], "").await;
    for stream in [&mut one, &mut other] {
        assert_eq!(stream.status(), 200);
        let received = stream.read_until("\n\n").await;
        assert!(
            received.contains("event: accepted")
                && received.contains(path.rsplit('/').next().expect("an id")),
            "{received}"
        );
    }
    // Closing the stream of an observer cancels nothing.
    drop(other);
    let found = client.send("GET", &path, &[], "").await;
    assert_eq!(found.json["state"], "running", "{}", found.text);
    assert_eq!(client.send("DELETE", &path, &[], "").await.status, 200);
    let rest = one.read().await.text;
    assert!(rest.contains("event: ended\ndata: {\"ended\":{\"id\":") && rest.ends_with("}}\n\n"), "{rest}");
    // The stream of an ended execution has only its end.
    let over = client.send("GET", &path, &[STREAM], "").await;
    assert_eq!(over.headers["content-type"], "text/event-stream");
    assert!(
        over.text.starts_with("event: accepted\n") && over.text.contains("event: ended\n"),
        "{}",
        over.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_request_can_wait_for_the_end_of_an_execution() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let request = json!({ "code": "import time; time.sleep(0.5); print('done')" });
    let accepted = client.run(&request, &[DETACHED]).await;
    let path = accepted.headers["location"].to_str().expect("a path").to_owned();
    let found = client.send("GET", &path, &[("prefer", "wait=50")], "").await;
    assert_eq!((found.status, &found.json["state"]), (200, &json!("ended")), "{}", found.text);
    assert_eq!(found.headers["preference-applied"], "wait=50");
    assert_eq!(found.json["outcome"]["stdout"]["content"], "done\n");
    // A running execution is returned in its current state.
    let accepted = client.run(&endless(), &[DETACHED]).await;
    let path = accepted.headers["location"].to_str().expect("a path").to_owned();
    let found = client.send("GET", &path, &[("prefer", "wait=1")], "").await;
    assert!(
        ["queued", "starting", "running"].contains(&found.json["state"].as_str().unwrap_or_default()),
        "{}",
        found.text
    );
    assert_eq!(client.send("DELETE", &path, &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_contains_the_reason_of_a_refusal() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_SERVE__BODY_LIMIT", "1Ki")]);
    let client = sidecar.client();
    let denied = json!({ "code": "1", "limits": { "memory_bytes": 1_u64 << 40 } });
    assert_eq!(client.run(&denied, &[]).await.status, 403);
    let line = sidecar.wait_for("status=\"403\"");
    assert!(line.contains("reason=\"limits.memory_bytes of"), "{line}");
    assert_eq!(client.run(&json!({ "code": "x".repeat(2000) }), &[]).await.status, 413);
    let line = sidecar.wait_for("status=\"413\"");
    assert!(line.contains("reason=\"the body is larger than 1024 bytes"), "{line}");
    assert_eq!(client.run(&json!({ "code": "1" }), &[]).await.status, 200);
    let line = sidecar.wait_for("ran id=");
    assert!(line.contains("finished_ms=") && !line.contains("Timings"), "{line}");
}
