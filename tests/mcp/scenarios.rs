//! What the official client meets, over each way and in each mode of the protocol.

use crate::clients::{MODES, Way, assert_success, python, succeed};
use cofferdam_tests::{
    leftovers::assert_nothing_left,
    program::{Place, root, stdout},
    sidecar::Sidecar,
};
use std::{env, fs, os::unix::fs::PermissionsExt};

const TOKEN: &str = "0123456789abcdef-one";
const OTHER: &str = "0123456789abcdef-other";
/// What needs no settings of its own.
const PLAIN: [&str; 12] = [
    "initializes",
    "lists",
    "runs",
    "fails",
    "forges",
    "files",
    "long_output",
    "big_outputs",
    "progress",
    "parallel",
    "bad_input",
    "same_ids",
];
/// One run at once; another waits for its end.
const ONE: [(&str, &str); 1] = [("COFFERDAM_SERVE__MAX_RUNS", "1")];
/// One run at once; another is refused.
const ALONE: [(&str, &str); 2] = [("COFFERDAM_SERVE__MAX_RUNS", "1"), ("COFFERDAM_SERVE__MAX_QUEUED", "0")];

/// A sidecar with two tenants' tokens.
fn with_tokens(place: &Place) -> Sidecar {
    place.write("tokens", format!("one {TOKEN}\nother {OTHER}\n"));
    fs::set_permissions(place.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a mode");
    Sidecar::start(place, &["--token-file", "tokens"], &[])
}

#[test]
fn works_over_stdio() {
    let place = Place::new();
    for mode in MODES {
        succeed(&place, &Way::Stdio(vec![]), mode, &PLAIN);
        assert_nothing_left(&place);
    }
}

/// The page's own program, as somebody copies it.
#[test]
fn the_example_in_the_docs_runs() {
    let page = fs::read_to_string(root().join("docs/mcp.md")).expect("a page");
    let program = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let place = Place::new();
    place.write("page.py", program);
    let path = env::join_paths(
        [root().join("target/release")].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    );
    let output = python().arg("page.py").env("PATH", path.expect("a path")).current_dir(place.path()).output();
    let output = output.expect("Python");
    assert_success(&output, program);
    assert_eq!(stdout(&output), "exit code: 0\nstdout (3 bytes):\n```\n42\n```\n\n");
}

#[test]
fn works_over_http() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    for mode in MODES {
        succeed(&place, &Way::Http(sidecar.address.clone(), None), mode, &PLAIN);
    }
    drop(sidecar);
}

#[test]
fn works_over_http_with_a_token() {
    let place = Place::new();
    let sidecar = with_tokens(&place);
    let way = |token| Way::Http(sidecar.address.clone(), token);
    for mode in MODES {
        succeed(&place, &way(Some(TOKEN)), mode, &["lists", "runs", "progress"]);
    }
    for token in [None, Some("0123456789abcdef-none")] {
        succeed(&place, &way(token), "auto", &["is_refused"]);
    }
}

#[test]
fn a_cancelled_call_frees_its_capacity() {
    for mode in MODES {
        let place = Place::new();
        succeed(&place, &Way::Stdio(ONE.to_vec()), mode, &["cancels"]);
        assert_nothing_left(&place);
        let mut sidecar = Sidecar::start(&place, &[], &ONE);
        succeed(&place, &Way::Http(sidecar.address.clone(), None), mode, &["cancels"]);
        sidecar.wait_for("status=Cancelled");
        sidecar.wait_for("status=Exited(0)");
        assert_nothing_left(&place);
    }
}

#[test]
fn a_call_beyond_the_capacity_is_overloaded() {
    for mode in MODES {
        let place = Place::new();
        succeed(&place, &Way::Stdio(ALONE.to_vec()), mode, &["overloads"]);
        let sidecar = Sidecar::start(&place, &[], &ALONE);
        succeed(&place, &Way::Http(sidecar.address.clone(), None), mode, &["overloads"]);
    }
}
