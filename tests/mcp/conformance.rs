//! The conformance suite of the protocol's authors. A file for each revision lists the checks that it cannot make of a server with tools
//! only, and why.

use crate::clients::{assert_success, conformance};
use cofferdam_tests::{
    program::{Place, root, stdout},
    sidecar::Sidecar,
};
use std::{collections::BTreeSet, fs};

/// All scenarios of a revision: only the listed checks fail, and all of them do.
fn assert_conforms(revision: &str) {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let listed = root().join(format!("tests/mcp/conformance/{revision}.yml"));
    let mut suite = conformance(&place);
    suite.args(["server", "--url", &format!("http://{}/mcp", sidecar.address), "--suite", "all"]);
    suite.args(["--spec-version", revision, "--expected-failures"]).arg(&listed);
    let output = suite.output().expect("Node");
    assert_success(&output, revision);
    // The suite itself does not mind a listed check that it has not made.
    let (listed, said) = (fs::read_to_string(listed).expect("a list"), stdout(&output));
    assert_eq!(entries(&listed, "  - "), entries(&said, "  ~ "), "{revision}: {said}");
}

/// What the lines with this prefix say.
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
