//! Scenarios of the official client, over each transport and in each mode of the protocol.

use crate::clients::{MODES, Transport, assert_scenarios, assert_success, python};
use cofferdam_tests::{
    leaks::assert_no_leaks,
    program::{TestDir, root, stdout},
    sidecar::Sidecar,
};
use std::{env, fs, os::unix::fs::PermissionsExt};

const TOKEN: &str = "0123456789abcdef-one";
const OTHER: &str = "0123456789abcdef-other";
/// Scenarios that need no settings.
const SCENARIOS: [&str; 14] = [
    "initializes",
    "lists",
    "runs",
    "fails",
    "forged_output",
    "files",
    "long_output",
    "big_outputs",
    "progress",
    "parallel",
    "bad_input",
    "same_ids",
    "sessions",
    "cancelled_commands",
];
/// One execution at a time; others are queued.
const ONE_EXECUTION: [(&str, &str); 1] = [("COFFERDAM_SERVE__MAX_RUNS", "1")];
/// One execution at a time; others are refused.
const NO_QUEUE: [(&str, &str); 2] =
    [("COFFERDAM_SERVE__MAX_RUNS", "1"), ("COFFERDAM_SERVE__MAX_QUEUED", "0")];

/// A sidecar with two tenants' tokens.
fn with_tokens(dir: &TestDir) -> Sidecar {
    dir.write("tokens", format!("one {TOKEN}\nother {OTHER}\n"));
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a mode");
    Sidecar::start(dir, &["--token-file", "tokens"], &[])
}

#[test]
fn works_over_stdio() {
    let dir = TestDir::new();
    for mode in MODES {
        assert_scenarios(&dir, &Transport::Stdio(vec![]), mode, &SCENARIOS);
        assert_no_leaks(&dir);
    }
}

/// The example of docs/mcp.md, as it is.
#[test]
fn the_example_in_the_docs_runs() {
    let page = fs::read_to_string(root().join("docs/mcp.md")).expect("a page");
    let program =
        page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let dir = TestDir::new();
    dir.write("page.py", program);
    let path = env::join_paths(
        [root().join("target/release")]
            .into_iter()
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    );
    let output = python().arg("page.py").env("PATH", path.expect("a path")).current_dir(dir.path()).output();
    let output = output.expect("Python");
    assert_success(&output, program);
    assert_eq!(stdout(&output), "exit code: 0\nstdout (3 bytes):\n```\n42\n```\n\n");
}

#[test]
fn works_over_http() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    for mode in MODES {
        assert_scenarios(&dir, &Transport::Http(sidecar.address.clone(), None), mode, &SCENARIOS);
    }
    drop(sidecar);
}

#[test]
fn works_over_http_with_a_token() {
    let dir = TestDir::new();
    let sidecar = with_tokens(&dir);
    let transport = |token| Transport::Http(sidecar.address.clone(), token);
    for mode in MODES {
        assert_scenarios(&dir, &transport(Some(TOKEN)), mode, &["lists", "runs", "progress", "sessions"]);
    }
    for token in [None, Some("0123456789abcdef-none")] {
        assert_scenarios(&dir, &transport(token), "auto", &["unauthorised"]);
    }
}

#[test]
fn a_cancelled_call_frees_its_capacity() {
    for mode in MODES {
        let dir = TestDir::new();
        assert_scenarios(&dir, &Transport::Stdio(ONE_EXECUTION.to_vec()), mode, &["cancels"]);
        assert_no_leaks(&dir);
        let mut sidecar = Sidecar::start(&dir, &[], &ONE_EXECUTION);
        assert_scenarios(&dir, &Transport::Http(sidecar.address.clone(), None), mode, &["cancels"]);
        sidecar.wait_for("status=Cancelled");
        sidecar.wait_for("status=Exited(0)");
        assert_no_leaks(&dir);
    }
}

#[test]
fn a_call_beyond_the_capacity_is_overloaded() {
    for mode in MODES {
        let dir = TestDir::new();
        assert_scenarios(&dir, &Transport::Stdio(NO_QUEUE.to_vec()), mode, &["overloaded"]);
        let sidecar = Sidecar::start(&dir, &[], &NO_QUEUE);
        assert_scenarios(&dir, &Transport::Http(sidecar.address.clone(), None), mode, &["overloaded"]);
    }
}
