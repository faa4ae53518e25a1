//! Schemathesis tests the HTTP API against its OpenAPI description with generated requests.

use cofferdam_tests::{
    program::{TestDir, root, stderr, stdout},
    sidecar::Sidecar,
    soak::is_soak,
};
use rustix::fs::{Mode, chmod};
use serde_json::Value;
use std::{env, fs, path::PathBuf, process::Command};

const TOKEN: &str = "sixteen-or-more-characters";
/// Generated requests per operation and phase.
const EXAMPLES: &str = "30";
const EXAMPLES_IN_SOAK: &str = "500";
/// DELETE cancels an execution; its outcome can still be read afterwards.
const EXCLUDED_CHECK: &str = "use_after_free";
/// The operations that the configuration disables.
const UNTESTED: u64 = 1;
/// Programs are short, so that many can be tried.
const SHORT_TIMEOUTS: [(&str, &str); 2] =
    [("COFFERDAM_TIMEOUT_SECONDS", "1"), ("COFFERDAM_CEILINGS__TIMEOUT_SECONDS", "1")];

/// The path of the schemathesis program.
fn schemathesis() -> PathBuf {
    let mut script = Command::new(root().join("scripts/python.sh"));
    let output = script.args(["schemathesis", "tests/schemathesis/requirements.txt"]).output().expect("bash");
    assert!(output.status.success(), "{}", stderr(&output));
    PathBuf::from(stdout(&output).trim_end()).with_file_name("schemathesis")
}

/// Options for the number of requests and the seed. `make soak` generates other requests each time, unless
/// `SEED` is set.
fn options() -> Vec<String> {
    let (examples, seed) =
        if is_soak() { (EXAMPLES_IN_SOAK, env::var("SEED").ok()) } else { (EXAMPLES, Some("1".to_owned())) };
    let seed = seed.into_iter().flat_map(|seed| ["--seed".to_owned(), seed]);
    ["--max-examples".to_owned(), examples.to_owned()].into_iter().chain(seed).collect()
}

#[test]
fn schemathesis_finds_no_failures() {
    let schemathesis = schemathesis();
    let dir = TestDir::new();
    dir.write("token", TOKEN);
    chmod(dir.path().join("token"), Mode::from_raw_mode(0o600)).expect("a file");
    let sidecar = Sidecar::start(&dir, &["--token-file", "token"], &SHORT_TIMEOUTS);
    let mut command = Command::new(schemathesis);
    command.arg("--config-file").arg(root().join("tests/schemathesis/schemathesis.toml"));
    command.args(["run", &format!("http://{}/v1/openapi.json", sidecar.address), "--no-color"]);
    command.args(["--checks", "all", "--exclude-checks", EXCLUDED_CHECK]);
    command.args(["--workers", "2", "--request-timeout", "60"]);
    command.args(["--report", "json", "--report-json-path", "report.json"]);
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}")]).args(options());
    let output = command.current_dir(dir.path()).output().expect("schemathesis");
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let report = fs::read(dir.path().join("report.json")).expect("a report");
    assert_thorough(&serde_json::from_slice(&report).expect("JSON"));
}

/// Asserts that the report covers all operations and phases, and has no warnings.
fn assert_thorough(report: &Value) {
    println!("schemathesis: seed {}, requests: {}", report["seed"], report["test_cases"]);
    let tested = report["operations"]["tested"].as_u64().expect("a number");
    assert_eq!(tested + UNTESTED, report["operations"]["total"], "{report:#}");
    for phase in ["examples", "coverage", "fuzzing", "stateful"] {
        assert_eq!(report["phases"][phase]["status"], "success", "{phase}: {report:#}");
    }
    let warnings = report["warnings"].as_object().expect("an object");
    // The bytes of files have no structure to check.
    let given: Vec<_> = warnings
        .iter()
        .filter(|(name, _)| *name != "missing_deserializer")
        .filter(|(_, named)| named.as_array().is_none_or(|named| !named.is_empty()))
        .collect();
    assert!(given.is_empty(), "{given:#?}");
}
