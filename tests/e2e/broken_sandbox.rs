//! A sandbox that does not answer any more, at whatever step: the answer comes in time, is true, and nothing is left.

use super::cleanup::assert_nothing_left;
use cofferdam::{config::Settings, sandbox::local::Local};
use cofferdam_tests::{
    leftovers::cgroups_left,
    program::{Place, stderr, stdout},
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

const STOPS: &str = include_str!("broken_sandbox.py");
/// A change of session by processes that share their signal handlers: gVisor's kernel deadlocks.
pub(super) const HANGS_GVISOR: &str = include_str!("hangs_gvisor.py");
/// A program with something to tell at each step.
const PROGRAM: &str = "import os\nopen('file', 'w').write('kept')\nos.write(1, b'begun\\n')\n";
/// Beyond this a run hangs. Those that wait for files wait for ten seconds.
const HANGS: Duration = Duration::from_secs(30);

/// A program in the place of runsc.
pub(super) fn stand_in(place: &Place, script: &str) {
    place.write("runsc", script);
    fs::set_permissions(place.path().join("runsc"), fs::Permissions::from_mode(0o755)).expect("a script");
}

/// The answer of a run whose sandbox stops.
fn run(phase: &str, program: &str) -> Value {
    run_with_code(phase, program).0
}

/// The same, with the exit code.
fn run_with_code(phase: &str, program: &str) -> (Value, Option<i32>) {
    let local = Local::new(&Settings::default()).expect("`make setup` installs gVisor");
    let place = Place::new();
    stand_in(&place, &STOPS.replace("@RUNSC@", &local.runsc().to_string_lossy()).replace("@PHASE@", phase));
    place.write("p.py", program);
    let output = place.run([
        "run",
        "--json",
        "--runsc",
        "./runsc",
        "--startup-timeout",
        "8",
        "--timeout",
        "4",
        "--collect",
        "*",
        "p.py",
    ]);
    assert!(!stderr(&output).contains("WARN"), "{}", stderr(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let id = answer["id"].as_str().or(answer["error"]["id"].as_str()).expect("an id").to_owned();
    assert_nothing_left(&place);
    assert_eq!(cgroups_left(&[id]), Vec::<String>::new());
    (answer, output.status.code())
}

/// Milliseconds from one moment of a run to another.
fn between(answer: &Value, from: &str, to: &str) -> u64 {
    let moment = |name: &str| answer["timings_ms"][name].as_u64().expect("a moment");
    moment(to).saturating_sub(moment(from))
}

#[test]
fn a_sandbox_that_hangs_during_startup_is_a_startup_timeout() {
    let answer = run("start", PROGRAM);
    assert_eq!(answer["error"]["code"], "startup-timeout", "{answer}");
}

#[test]
fn waiting_for_the_state_lock_counts_towards_the_startup_timeout() {
    let place = Place::new();
    place.write("p.py", PROGRAM);
    assert!(place.run(["gc"]).status.success());
    // What a run of another process holds for a moment, for good.
    let gate = fs::File::options().write(true).open(place.state().join("gate")).expect("the gate");
    gate.lock().expect("a lock");
    let output = place.run(["run", "--json", "--startup-timeout", "1", "p.py"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["error"]["code"], "startup-timeout", "{answer}");
    assert_eq!(output.status.code(), Some(125));
}

#[test]
fn a_sandbox_that_hangs_while_its_program_runs_times_out_and_keeps_the_output() {
    let answer = run("run", &format!("{PROGRAM}import time\ntime.sleep(600)"));
    assert_eq!((&answer["status"], &answer["stdout"]["text"]), (&json!("timed-out"), &json!("begun\n")), "{answer}");
    // Two seconds after its deadline at the latest, and some for a machine that has other work.
    assert!(between(&answer, "started", "answered") < 4000 + 2000 + 3000, "{answer}");
}

#[test]
fn a_sandbox_that_hangs_before_sending_its_files_keeps_its_exit_status() {
    let (answer, code) = run_with_code("files", PROGRAM);
    // What the program succeeded for is not here.
    assert_eq!(code, Some(1), "{answer}");
    assert_eq!(
        (&answer["status"], &answer["stdout"]["text"]),
        (&json!({ "exited": 0 }), &json!("begun\n")),
        "{answer}"
    );
    assert_eq!(answer["files"], json!([]), "{answer}");
    assert_eq!(answer["skipped"].as_array().map(Vec::len), Some(1), "{answer}");
    assert!(u128::from(between(&answer, "started", "answered")) < HANGS.as_millis(), "{answer}");
}

#[test]
fn a_sandbox_that_hangs_after_its_last_message_loses_nothing() {
    let answer = run("end", PROGRAM);
    assert_eq!(
        (&answer["status"], &answer["stdout"]["text"]),
        (&json!({ "exited": 0 }), &json!("begun\n")),
        "{answer}"
    );
    assert_eq!(answer["files"][0]["path"], "file", "{answer}");
    assert_eq!(answer["skipped"], json!([]), "{answer}");
    assert!(between(&answer, "finished", "answered") < 4000 + 3000, "{answer}");
}

#[test]
fn a_program_that_deadlocks_gvisor_times_out_and_keeps_the_output() {
    let place = Place::new();
    place.write("p.py", HANGS_GVISOR);
    let output = place.run(["run", "--timeout", "8", "p.py"]);
    assert!(stdout(&output).starts_with("before\n"), "{}", stdout(&output));
    let said = stderr(&output);
    assert!(output.status.code() == Some(124) && said.contains("--timeout") && said.lines().count() == 1, "{said}");
    assert_nothing_left(&place);
}

/// A runsc that sends what no runner sends.
const LIES: &str = r#"#!/usr/bin/env python3
import os
import struct
import sys
import time


def frame(kind, payload=b""):
    sys.stdout.buffer.write(struct.pack("<BI", kind, len(payload)) + payload)
    sys.stdout.buffer.flush()


def file(path, content):
    frame(9, struct.pack("<I", len(path)) + path + content)


READY, STARTED, STDOUT, ENDED, DONE = 1, 2, 3, 11, 13
EXITED = bytes(10)
frame(READY)
frame(STARTED)
@STORY@
time.sleep(600)
"#;

#[test]
fn a_runner_that_breaks_the_protocol_is_an_internal_error() {
    for (name, story) in [
        ("it starts again and again", "while True:\n    frame(STARTED)\n    time.sleep(1)"),
        ("it ends again and again", "while True:\n    frame(ENDED, EXITED)\n    time.sleep(1)"),
        ("it sends output after the end", "frame(ENDED, EXITED)\nframe(STDOUT, b'x')"),
        (
            "it goes on after the last frame",
            "frame(ENDED, EXITED)\nsys.stdout.buffer.write(b'\\r\\0\\0\\0\\0' * 2)\nsys.stdout.buffer.flush()",
        ),
        (
            "it sends more than the limit",
            "frame(ENDED, EXITED)\nfor n in range(1024):\n    file(b'%04d' % n, bytes(1 << 20))",
        ),
        ("it sends files without number", "frame(ENDED, EXITED)\nfor n in range(1 << 20):\n    file(b'%08d' % n, b'')"),
        ("it sends a frame of 256 MiB", "frame(ENDED, EXITED)\nfile(b'f', bytes(255 << 20))"),
        ("its file climbs", "frame(ENDED, EXITED)\nfile(b'../../f', b'x')\nframe(DONE)"),
        ("its file is absolute", "frame(ENDED, EXITED)\nfile(b'/tmp/f', b'x')\nframe(DONE)"),
        ("its file was not asked for", "frame(ENDED, EXITED)\nfile(b'.git/config', b'x')\nframe(DONE)"),
        (
            "it says without end what is missing",
            "frame(ENDED, EXITED)\nwhile True:\n    frame(10, struct.pack('<I', 1) + b'fno')",
        ),
    ] {
        let place = Place::new();
        stand_in(&place, &LIES.replace("@STORY@", story));
        place.write("p.py", "#");
        let output = place.run(["run", "--json", "--runsc", "./runsc", "--timeout", "600", "--collect", "*", "p.py"]);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(answer["error"]["code"], "internal", "{name}: {answer}");
        assert!(stderr(&output).contains("broke the protocol"), "{name}: {}", stderr(&output));
        assert_nothing_left(&place);
    }
}

#[test]
fn a_runner_that_never_stops_sending_is_killed_at_its_deadline() {
    let place = Place::new();
    stand_in(&place, &LIES.replace("@STORY@", "while True:\n    frame(STDOUT, b'x')\n    time.sleep(0.1)"));
    place.write("p.py", "#");
    let output = place.run(["run", "--json", "--runsc", "./runsc", "--timeout", "2", "p.py"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["status"], "timed-out", "{answer}");
    assert!(between(&answer, "started", "answered") < 2000 + 2000 + 3000, "{answer}");
    assert_nothing_left(&place);
}

#[test]
fn operator_detail_is_printed_as_a_message_and_not_as_a_log_line() {
    let place = Place::new();
    stand_in(&place, "#!/bin/sh\necho 'the cause of it' >&2\nexit 1\n");
    place.write("p.py", "#");
    let output = place.run(["run", "--runsc", "./runsc", "p.py"]);
    let said = stderr(&output);
    assert!(said.contains("cofferdam: the cause of it\n") && !said.contains("WARN"), "{said}");
    assert!(said.lines().all(|line| line.starts_with("cofferdam: ")), "{said}");
}
