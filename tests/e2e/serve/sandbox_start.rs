//! The start of a sandbox blocks no other request and does not scan other executions.

use crate::cleanup::{assert_no_leaks, signal_when};
use cofferdam_tests::{
    leaks::leaked_resources,
    program::{TestDir, stdout},
    sidecar::Sidecar,
};
use rustix::process::Signal;
use serde_json::json;
use std::{fs::File, thread::available_parallelism, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// A sidecar that takes longer to respond hangs.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn sandbox_starts_that_wait_for_the_disk_do_not_block_other_requests() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "256"), ("COFFERDAM_SERVE__OUTPUT_MEMORY", "64Gi")];
    let mut sidecar = Sidecar::start(&dir, &[], &settings);
    // A reaper holds this lock while it scans all executions. A slow disk has the same effect.
    let lock_file = File::options().create(true).truncate(false).write(true).open(dir.state().join("gate"));
    let lock_file = lock_file.expect("a file");
    lock_file.lock().expect("a lock");
    let mut runs = JoinSet::new();
    // More than the sidecar has worker threads.
    let starts = available_parallelism().map_or(8, |processors| processors.get() * 2 + 2);
    for _ in 0..starts {
        let client = sidecar.client();
        runs.spawn(async move { client.run(&json!({ "code": "print(1)" }), &[]).await });
    }
    for _ in 0..starts {
        sidecar.wait_for("requested");
    }
    let client = sidecar.client();
    let health = timeout(HEALTH_TIMEOUT, client.send("GET", "/healthz", &[], "")).await;
    assert_eq!(health.map(|response| response.status), Ok(200));
    lock_file.unlock().expect("a lock");
    while let Some(response) = runs.join_next().await {
        let response = response.expect("a response");
        assert_eq!(response.json["status"], json!({ "exited": 0 }), "{}", response.text);
    }
    sidecar.signal(Signal::TERM);
    sidecar.end();
    assert_no_leaks(&dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_are_removed_periodically_and_not_at_each_start() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let run = async || sidecar.client().run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!(run().await.json["status"], json!({ "exited": 0 }));
    dir.write("p.py", "while True: pass");
    let mut other = dir.cofferdam(["run", "p.py"]);
    let child = other.env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    signal_when(child, "the program runs", Signal::KILL);
    for _ in 0..3 {
        assert_eq!(run().await.json["status"], json!({ "exited": 0 }));
    }
    assert!(
        leaked_resources(&dir).iter().any(|left| left.contains("run-")),
        "a start has removed leftovers of others"
    );
    assert_eq!(stdout(&dir.run(["gc"])), "deleted the leftovers of 1 execution\n");
    sidecar.signal(Signal::TERM);
    sidecar.end();
    assert_no_leaks(&dir);
}
