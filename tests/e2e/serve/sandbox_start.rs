//! The start of a sandbox blocks no other request and does not scan other executions.

use crate::cleanup::{assert_nothing_left, signal_when};
use cofferdam_tests::{
    leftovers::left,
    program::{Place, stdout},
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
    let place = Place::new();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "256"), ("COFFERDAM_SERVE__OUTPUT_MEMORY", "64Gi")];
    let mut sidecar = Sidecar::start(&place, &[], &settings);
    // A reaper holds this lock while it scans all executions. A slow disk has the same effect.
    let lock_file = File::options().create(true).truncate(false).write(true).open(place.state().join("gate"));
    let lock_file = lock_file.expect("a file");
    lock_file.lock().expect("a lock");
    let mut runs = JoinSet::new();
    // More than the sidecar has worker threads.
    let starts = available_parallelism().map_or(8, |processors| processors.get() * 2 + 2);
    for _ in 0..starts {
        let caller = sidecar.caller();
        runs.spawn(async move { caller.run(&json!({ "code": "print(1)" }), &[]).await });
    }
    for _ in 0..starts {
        sidecar.wait_for("requested");
    }
    let caller = sidecar.caller();
    let health = timeout(HEALTH_TIMEOUT, caller.send("GET", "/healthz", &[], "")).await;
    assert_eq!(health.map(|answer| answer.status), Ok(200));
    lock_file.unlock().expect("a lock");
    while let Some(answer) = runs.join_next().await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.json["status"], json!({ "exited": 0 }), "{}", answer.text);
    }
    sidecar.signal(Signal::TERM);
    sidecar.end();
    assert_nothing_left(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_are_removed_periodically_and_not_at_each_start() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let run = async || sidecar.caller().run(&json!({ "code": "print(1)" }), &[]).await;
    assert_eq!(run().await.json["status"], json!({ "exited": 0 }));
    place.write("p.py", "while True: pass");
    let mut other = place.cofferdam(["run", "p.py"]);
    let child = other.env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    signal_when(child, "the program runs", Signal::KILL);
    for _ in 0..3 {
        assert_eq!(run().await.json["status"], json!({ "exited": 0 }));
    }
    assert!(left(&place).iter().any(|left| left.contains("run-")), "a start has removed leftovers of others");
    assert_eq!(stdout(&place.run(["gc"])), "removed what 1 run had left\n");
    sidecar.signal(Signal::TERM);
    sidecar.end();
    assert_nothing_left(&place);
}
