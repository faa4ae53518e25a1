//! Runs a module of CPython's tests in a sandbox and without one.

use super::outcomes::{Outcomes, parse};
use cofferdam_tests::program::{TestDir, root, stderr};
use std::{fs, path::Path, process::Command, thread};

/// Limits that no test reaches.
const LIMITS: [&str; 8] = ["--memory", "4Gi", "--disk", "4Gi", "--processes", "4000", "--timeout", "2000"];

/// Runs a module both ways concurrently; returns the native outcomes and those in the sandbox.
pub(super) fn run(module: &str) -> (Outcomes, Outcomes) {
    thread::scope(|scope| {
        let native = scope.spawn(|| native(module));
        let inside = inside(module);
        (native.join().expect("a thread"), inside)
    })
}

fn native(module: &str) -> Outcomes {
    let dir = TestDir::new();
    let mut command = Command::new(root().join("tests/cpython/native.sh"));
    let output = command.arg(dir.path()).arg(module).output().expect("bash");
    read(module, &dir.path().join("work"), &stderr(&output))
}

fn inside(module: &str) -> Outcomes {
    let dir = TestDir::new();
    let mut command = dir.cofferdam(["run", "--stdin", "none", "--collect", "outcomes", "--out", "out"]);
    command.args(LIMITS).arg(root().join("tests/cpython/run.py")).args(["--", module]);
    let output = command.output().expect("cofferdam");
    read(module, &dir.path().join("out"), &stderr(&output))
}

/// The outcomes that `run.py` wrote, even if it was killed.
fn read(module: &str, folder: &Path, log: &str) -> Outcomes {
    let written = fs::read_to_string(folder.join("outcomes")).unwrap_or_default();
    parse(module, &written, &log[log.floor_char_boundary(log.len().saturating_sub(1000))..])
}
