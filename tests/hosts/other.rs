//! Hosts that are large to install, and agents in languages whose tools are. `make hosts` runs these tests.

use crate::{doc_commands::assert_section, each_host::metrics};
use cofferdam_tests::{
    program::{TestDir, root, stderr, stdout},
    sidecar::Sidecar,
};
use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

/// Executes programs through a host, by its script.
fn host(name: &str, programs: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut script = Command::new(root().join("tests/hosts/other").join(name).with_extension("sh"));
    script.args(programs).envs(variables.iter().copied()).env_remove("COFFERDAM_TOKEN").stdin(Stdio::null());
    script.output().expect("bash")
}

/// A program's output and exit code pass through the host, and so does an error of the contract.
fn assert_host(name: &str) {
    let program = "import sys\nsys.stdout.write('no newline')\nsys.stderr.write('an error')\nsys.exit(7)";
    let output = host(name, &[program], &[]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(7), "no newline"), "{}", stderr(&output));
    assert!(stderr(&output).contains("an error"), "{}", stderr(&output));
    // Nothing listens there.
    let output = host(name, &["print(1)"], &[("COFFERDAM_URL", "http://127.0.0.1:1")]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(1), ""), "{}", stderr(&output));
    assert!(stderr(&output).to_lowercase().contains("unreachable: "), "{}", stderr(&output));
}

#[test]
#[ignore = "installs Node 26 and jco; make hosts"]
fn jco_with_jspi_executes_programs() {
    assert_host("jspi");
}

#[test]
#[ignore = "installs Node 26 and jco; make hosts"]
fn jco_with_jspi_executes_two_programs_at_once_and_leaves_the_event_loop_free() {
    let output = host("jspi", &["print(1)"], &[("EXAMPLE", "together.mjs")]);
    assert!(stdout(&output).starts_with("42,42 after "), "{} {}", stdout(&output), stderr(&output));
    let ticks = stdout(&output).split_whitespace().nth_back(1).and_then(|ticks| ticks.parse::<u32>().ok());
    // A timer of 10 ms. If the event loop were blocked, it would tick a few times.
    assert!(ticks.is_some_and(|ticks| ticks > 20), "{}", stdout(&output));
}

#[test]
#[ignore = "installs Node 26 and jco; make hosts"]
fn jco_executes_programs_with_asynchronous_functions() {
    assert_host("async-node");
}

#[test]
#[ignore = "builds wasmtime with component-model-async; make hosts"]
fn wasmtime_executes_programs_with_asynchronous_functions() {
    assert_host("async-rust");
}

/// The programs run for so long that the metric shows both.
#[test]
#[ignore = "installs Node 26 and jco, and builds wasmtime with component-model-async; make hosts"]
fn an_instance_with_asynchronous_functions_executes_two_programs_at_once() {
    for name in ["async-node", "async-rust"] {
        let dir = TestDir::new();
        let sidecar = Sidecar::start(&dir, &[], &[]);
        let (url, programs) = (sidecar.url(), ["import time; time.sleep(3); print(6*7)"; 2]);
        thread::scope(|scope| {
            let execution = scope.spawn(|| host(name, &programs, &[("COFFERDAM_URL", &url)]));
            while !metrics(&sidecar).contains("\ncofferdam_runs_in_flight 2\n") {
                assert!(!execution.is_finished(), "{name} executed one after the other");
            }
            let output = execution.join().expect("an output");
            assert_eq!(stdout(&output), "42\n42\n", "{name}: {}", stderr(&output));
        });
    }
}

#[test]
#[ignore = "installs Chromium, Node 26 and jco; make hosts"]
fn a_page_in_chromium_executes_programs() {
    assert_host("browser");
}

#[test]
#[ignore = "installs wash and componentize-py; make hosts"]
fn wash_executes_programs() {
    assert_host("wash");
}

#[test]
#[ignore = "installs Wassette and a newer libc; make hosts"]
fn wassette_executes_programs() {
    assert_host("wassette");
}

#[test]
#[ignore = "installs docker-registry, wash, Node 26 and jco; make hosts"]
fn components_are_the_same_after_a_push_to_and_a_pull_from_a_registry() {
    let output = host("oci", &["print(6*7)"], &[]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(0), "42\n"), "{}", stderr(&output));
}

#[test]
#[ignore = "builds wkg; installs wasm-tools, docker-registry, Node 26 and jco; make hosts"]
fn the_contract_and_the_components_are_the_same_after_wkg_published_and_got_them() {
    let output = host("wkg", &["print(6*7)"], &[]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(0), "42\n"), "{}", stderr(&output));
}

#[test]
#[ignore = "installs componentize-py, componentize-js, jco, Go and wasm-tools, and builds wit-bindgen; make hosts"]
fn agents_in_python_javascript_and_go_answer_as_agents_md_shows() {
    let script =
        Command::new(root().join("scripts/agents.sh")).stderr(Stdio::inherit()).output().expect("bash");
    assert!(script.status.success(), "scripts/agents.sh failed");
    let folders: Vec<PathBuf> = stdout(&script).lines().map(PathBuf::from).collect();
    for section in ["Python", "JavaScript", "Go", "Hosts", "A web server"] {
        assert_section("docs/agents.md", section, &folders);
    }
}

#[test]
fn the_agent_in_rust_answers_as_agents_md_shows() {
    assert_section("docs/agents.md", "Rust", &[]);
}
