//! A sandbox that hangs at any step: the result arrives in time and is correct, and nothing is left behind.

use super::cleanup::assert_no_leaks;
use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_tests::{
    leaks::leaked_cgroups,
    program::{TestDir, stderr, stdout},
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

const HANGING_RUNSC: &str = include_str!("broken_sandbox.py");
/// Processes that share signal handlers change their session, and gVisor's kernel deadlocks.
pub(super) const DEADLOCKS_GVISOR: &str = include_str!("deadlock_gvisor.py");
/// A program that writes output and a file.
const PROGRAM: &str = "import os\nopen('file', 'w').write('kept')\nos.write(1, b'begun\\n')\n";
/// An execution that takes longer hangs. Waiting for files alone takes up to ten seconds.
const HANG_TIMEOUT: Duration = Duration::from_secs(30);

/// Writes a script that is used instead of runsc.
pub(super) fn fake_runsc(dir: &TestDir, script: &str) {
    dir.write("runsc", script);
    fs::set_permissions(dir.path().join("runsc"), fs::Permissions::from_mode(0o755)).expect("a script");
}

/// The JSON result of an execution whose sandbox hangs in this phase.
fn run(phase: &str, program: &str) -> Value {
    run_with_code(phase, program).0
}

/// The JSON result, and the exit code of `cofferdam`.
fn run_with_code(phase: &str, program: &str) -> (Value, Option<i32>) {
    let local = LocalBackend::new(&Settings::default().local()).expect("`make setup` installs gVisor");
    let dir = TestDir::new();
    fake_runsc(
        &dir,
        &HANGING_RUNSC.replace("@RUNSC@", &local.runsc().to_string_lossy()).replace("@PHASE@", phase),
    );
    dir.write("p.py", program);
    let output = dir.run([
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
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let id = result["id"].as_str().expect("an id").to_owned();
    assert_no_leaks(&dir);
    assert_eq!(leaked_cgroups(&[id]), Vec::<String>::new());
    (result, output.status.code())
}

/// Milliseconds between two phases of an execution.
fn elapsed_ms(result: &Value, from: &str, to: &str) -> u64 {
    let phase_ms = |name: &str| result["timings_ms"][name].as_u64().expect("milliseconds");
    phase_ms(to).saturating_sub(phase_ms(from))
}

#[test]
fn a_sandbox_that_hangs_during_startup_is_a_startup_timeout() {
    let result = run("start", PROGRAM);
    assert_eq!(result["code"], "startup-timeout", "{result}");
}

#[test]
fn waiting_for_the_state_lock_counts_towards_the_startup_timeout() {
    let dir = TestDir::new();
    dir.write("p.py", PROGRAM);
    assert!(dir.run(["gc"]).status.success());
    // Each execution holds this lock for a moment; here it is never released.
    let lock_file = fs::File::options().write(true).open(dir.state().join("gate")).expect("the lock file");
    lock_file.lock().expect("a lock");
    let output = dir.run(["run", "--json", "--startup-timeout", "1", "p.py"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["code"], "startup-timeout", "{result}");
    assert_eq!(output.status.code(), Some(125));
}

#[test]
fn a_sandbox_that_hangs_while_its_program_runs_times_out_and_keeps_the_output() {
    let result = run("run", &format!("{PROGRAM}import time\ntime.sleep(600)"));
    assert_eq!(
        (&result["status"], &result["stdout"]["content"]),
        (&json!("timed-out"), &json!("begun\n")),
        "{result}"
    );
    // At most two seconds after its deadline, and three more on a busy machine.
    assert!(elapsed_ms(&result, "started", "answered") < 4000 + 2000 + 3000, "{result}");
}

#[test]
fn a_sandbox_that_hangs_before_sending_its_files_keeps_its_exit_status() {
    let (result, code) = run_with_code("files", PROGRAM);
    // The requested files are missing.
    assert_eq!(code, Some(1), "{result}");
    assert_eq!(
        (&result["status"], &result["stdout"]["content"]),
        (&json!({ "exited": 0 }), &json!("begun\n")),
        "{result}"
    );
    assert_eq!(result["files"], json!([]), "{result}");
    assert_eq!(result["skipped"].as_array().map(Vec::len), Some(1), "{result}");
    assert!(u128::from(elapsed_ms(&result, "started", "answered")) < HANG_TIMEOUT.as_millis(), "{result}");
}

#[test]
fn a_sandbox_that_hangs_after_its_last_message_loses_nothing() {
    let result = run("end", PROGRAM);
    assert_eq!(
        (&result["status"], &result["stdout"]["content"]),
        (&json!({ "exited": 0 }), &json!("begun\n")),
        "{result}"
    );
    assert_eq!(result["files"][0]["path"], "file", "{result}");
    assert_eq!(result["skipped"], json!([]), "{result}");
    assert!(elapsed_ms(&result, "finished", "answered") < 4000 + 3000, "{result}");
}

#[test]
fn a_program_that_deadlocks_gvisor_times_out_and_keeps_the_output() {
    let dir = TestDir::new();
    dir.write("p.py", DEADLOCKS_GVISOR);
    let output = dir.run(["run", "--timeout", "8", "p.py"]);
    assert!(stdout(&output).starts_with("before\n"), "{}", stdout(&output));
    let message = stderr(&output);
    assert!(
        output.status.code() == Some(124) && message.contains("--timeout") && message.lines().count() == 1,
        "{message}"
    );
    assert_no_leaks(&dir);
}

/// A runsc that sends invalid frames, as `@SCRIPT@` says.
const MISBEHAVING_RUNSC: &str = r#"#!/usr/bin/env python3
import os
import struct
import sys
import time


def frame(kind, body=b"", channel=1):
    sys.stdout.buffer.write(struct.pack("<IHI", channel, kind, len(body)) + body)
    sys.stdout.buffer.flush()


def varint(number):
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


def text(value):
    return varint(len(value)) + value


def file(path, content):
    frame(FILE, text(path) + varint(0o644) + text(content))


HELLO, STARTED, STDOUT, FILE, SKIPPED, ENDED, DONE = 1, 3, 4, 10, 11, 12, 14
EXITED = bytes(4)
frame(HELLO, bytes([1, 2, 0]), channel=0)
frame(STARTED)
@SCRIPT@
time.sleep(600)
"#;

#[test]
fn a_runner_that_breaks_the_protocol_is_an_internal_error() {
    for (name, script) in [
        ("it starts again and again", "while True:\n    frame(STARTED)\n    time.sleep(1)"),
        ("it ends again and again", "while True:\n    frame(ENDED, EXITED)\n    time.sleep(1)"),
        ("it sends output of another execution", "frame(STDOUT, b'x', channel=2)"),
        ("it sends output after the end", "frame(ENDED, EXITED)\nframe(STDOUT, b'x')"),
        (
            "it goes on after the last frame",
            "frame(ENDED, EXITED)\nsys.stdout.buffer.write(struct.pack('<IHI', 1, DONE, 0) * 2)\nsys.stdout.buffer.flush()",
        ),
        (
            "it sends more than the limit",
            "frame(ENDED, EXITED)\nfor n in range(1024):\n    file(b'%04d' % n, bytes(1 << 20))",
        ),
        (
            "it sends files without end",
            "frame(ENDED, EXITED)\nfor n in range(1 << 20):\n    file(b'%08d' % n, b'')",
        ),
        ("it sends a frame of 256 MiB", "frame(ENDED, EXITED)\nfile(b'f', bytes(255 << 20))"),
        ("its file escapes the folder", "frame(ENDED, EXITED)\nfile(b'../../f', b'x')\nframe(DONE)"),
        ("its file is absolute", "frame(ENDED, EXITED)\nfile(b'/tmp/f', b'x')\nframe(DONE)"),
        ("its file was not asked for", "frame(ENDED, EXITED)\nfile(b'.git/config', b'x')\nframe(DONE)"),
        (
            "it reports missing files without end",
            "frame(ENDED, EXITED)\nwhile True:\n    frame(SKIPPED, text(b'f') + text(b'no'))",
        ),
    ] {
        let dir = TestDir::new();
        fake_runsc(&dir, &MISBEHAVING_RUNSC.replace("@SCRIPT@", script));
        dir.write("p.py", "#");
        let output =
            dir.run(["run", "--json", "--runsc", "./runsc", "--timeout", "600", "--collect", "*", "p.py"]);
        let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(result["code"], "internal", "{name}: {result}");
        assert!(stderr(&output).contains("violated the protocol"), "{name}: {}", stderr(&output));
        assert_no_leaks(&dir);
    }
}

#[test]
fn a_runner_that_never_stops_sending_is_killed_at_its_deadline() {
    let dir = TestDir::new();
    fake_runsc(
        &dir,
        &MISBEHAVING_RUNSC.replace("@SCRIPT@", "while True:\n    frame(STDOUT, b'x')\n    time.sleep(0.1)"),
    );
    dir.write("p.py", "#");
    let output = dir.run(["run", "--json", "--runsc", "./runsc", "--timeout", "2", "p.py"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["status"], "timed-out", "{result}");
    assert!(elapsed_ms(&result, "started", "answered") < 2000 + 2000 + 3000, "{result}");
    assert_no_leaks(&dir);
}

#[test]
fn operator_detail_is_printed_as_a_message_and_not_as_a_log_line() {
    let dir = TestDir::new();
    fake_runsc(&dir, "#!/bin/sh\necho 'the cause of it' >&2\nexit 1\n");
    dir.write("p.py", "#");
    let output = dir.run(["run", "--runsc", "./runsc", "p.py"]);
    let message = stderr(&output);
    assert!(message.contains("cofferdam: the cause of it\n") && !message.contains("WARN"), "{message}");
    assert!(message.lines().all(|line| line.starts_with("cofferdam: ")), "{message}");
}
