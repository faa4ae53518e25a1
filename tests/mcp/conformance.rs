//! MCP's conformance suite. A file for each revision lists the checks that do not apply to a server with
//! tools only, with reasons.

use crate::clients::{assert_success, conformance};
use cofferdam_tests::{
    program::{TestDir, root, stdout},
    sidecar::Sidecar,
};
use std::{collections::BTreeSet, fs};

/// Runs all scenarios of a revision and asserts that exactly the listed checks fail.
fn assert_conforms(revision: &str) {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let listed = root().join(format!("tests/mcp/conformance/{revision}.yml"));
    let mut suite = conformance(&dir);
    suite.args(["server", "--url", &format!("http://{}/mcp", sidecar.address), "--suite", "all"]);
    suite.args(["--spec-version", revision, "--expected-failures"]).arg(&listed);
    let output = suite.output().expect("Node");
    assert_success(&output, revision);
    // The suite itself accepts a listed check that it has not made.
    let (listed, printed) = (fs::read_to_string(listed).expect("a list"), stdout(&output));
    assert_eq!(entries(&listed, "  - "), entries(&printed, "  ~ "), "{revision}: {printed}");
}

/// The lines with this prefix, without it.
fn entries<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(prefix)).collect()
}

#[test]
fn the_conformance_suite_passes_with_sessions() {
    assert_conforms("2025-11-25");
}

#[test]
fn the_conformance_suite_passes_without_sessions() {
    assert_conforms("2026-07-28");
}
