//! What the sidecar serves is what its description says, whatever somebody else's tool makes up to ask.

use cofferdam_tests::{
    program::{Place, root, stderr, stdout},
    sidecar::Sidecar,
    soak::is_soak,
};
use rustix::fs::{Mode, chmod};
use serde_json::Value;
use std::{env, fs, path::PathBuf, process::Command};

const TOKEN: &str = "sixteen-or-more-characters";
/// Requests made up for each operation, in each phase that makes them up.
const EXAMPLES: &str = "30";
const EXAMPLES_IN_SOAK: &str = "500";
/// To delete a run is to cancel it: it is there until nobody can ask for it any more, and says what came of it.
const NOT_CHECKED: &str = "use_after_free";
/// Programs are brief, so that many can be tried.
const BRIEF: [(&str, &str); 2] = [("COFFERDAM_TIMEOUT_SECONDS", "1"), ("COFFERDAM_CEILINGS__TIMEOUT_SECONDS", "1")];

/// The program, beside the Python that has it.
fn schemathesis() -> PathBuf {
    let mut script = Command::new(root().join("scripts/python.sh"));
    let output = script.args(["schemathesis", "tests/schemathesis/requirements.txt"]).output().expect("bash");
    assert!(output.status.success(), "{}", stderr(&output));
    PathBuf::from(stdout(&output).trim_end()).with_file_name("schemathesis")
}

/// The same requests each time, but in `make soak`, where `SEED` repeats what the report names.
fn effort() -> Vec<String> {
    let (examples, seed) =
        if is_soak() { (EXAMPLES_IN_SOAK, env::var("SEED").ok()) } else { (EXAMPLES, Some("1".to_owned())) };
    let seed = seed.into_iter().flat_map(|seed| ["--seed".to_owned(), seed]);
    ["--max-examples".to_owned(), examples.to_owned()].into_iter().chain(seed).collect()
}

#[test]
fn schemathesis_finds_no_failures() {
    let schemathesis = schemathesis();
    let place = Place::new();
    place.write("token", TOKEN);
    chmod(place.path().join("token"), Mode::from_raw_mode(0o600)).expect("a file");
    let sidecar = Sidecar::start(&place, &["--token-file", "token"], &BRIEF);
    let mut command = Command::new(schemathesis);
    command.arg("--config-file").arg(root().join("tests/schemathesis/schemathesis.toml"));
    command.args(["run", &format!("http://{}/v1/openapi.json", sidecar.address), "--no-color"]);
    command.args(["--checks", "all", "--exclude-checks", NOT_CHECKED]);
    command.args(["--workers", "2", "--request-timeout", "60"]);
    command.args(["--report", "json", "--report-json-path", "report.json"]);
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}")]).args(effort());
    let output = command.current_dir(place.path()).output().expect("schemathesis");
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let report = fs::read(place.path().join("report.json")).expect("a report");
    assert_thorough(&serde_json::from_slice(&report).expect("JSON"));
}

/// A report that finds nothing says so of all operations, in all phases, and has no doubts.
fn assert_thorough(report: &Value) {
    println!("schemathesis: seed {}, requests: {}", report["seed"], report["test_cases"]);
    assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{report:#}");
    for phase in ["examples", "coverage", "fuzzing", "stateful"] {
        assert_eq!(report["phases"][phase]["status"], "success", "{phase}: {report:#}");
    }
    let warnings = report["warnings"].as_object().expect("an object");
    let given: Vec<_> =
        warnings.iter().filter(|(_, named)| named.as_array().is_none_or(|named| !named.is_empty())).collect();
    assert!(given.is_empty(), "{given:#?}");
}
