//! What the sidecar serves is what its description says, whatever somebody else's tool makes up to ask.

use cofferdam_tests::{
    program::{Place, root, stderr, stdout},
    sidecar::Sidecar,
};
use rustix::fs::{Mode, chmod};
use std::{path::PathBuf, process::Command};

const TOKEN: &str = "sixteen-or-more-characters";
/// Seconds of asking.
const TIME: &str = "40";
/// A description has no words for all that the contract refuses, such as a pattern that leads out of the work directory.
const NOT_CHECKED: &str = "positive_data_acceptance";

/// The program, beside the Python that has it.
fn schemathesis() -> PathBuf {
    let mut script = Command::new(root().join("scripts/python.sh"));
    let output = script.args(["schemathesis", "tests/schemathesis/requirements.txt"]).output().expect("bash");
    assert!(output.status.success(), "{}", stderr(&output));
    PathBuf::from(stdout(&output).trim_end()).with_file_name("schemathesis")
}

#[test]
fn schemathesis_finds_nothing() {
    let schemathesis = schemathesis();
    let place = Place::new();
    place.write("token", TOKEN);
    chmod(place.path().join("token"), Mode::from_raw_mode(0o600)).expect("a file");
    let brief = [
        ("COFFERDAM_TIMEOUT_SECONDS", "1"),
        ("COFFERDAM_CEILINGS__TIMEOUT_SECONDS", "1"),
        ("COFFERDAM_STARTUP_TIMEOUT_SECONDS", "4"),
        ("COFFERDAM_CEILINGS__STARTUP_TIMEOUT_SECONDS", "4"),
    ];
    let sidecar = Sidecar::start(&place, &["--token-file", "token"], &brief);
    let mut command = Command::new(schemathesis);
    command.args(["run", &format!("http://{}/v1/openapi.json", sidecar.address), "--no-color"]);
    command.args([
        "--checks",
        "all",
        "--exclude-checks",
        NOT_CHECKED,
        "--max-time",
        TIME,
        "--seed",
        "1",
        "--request-timeout",
        "60",
        "--workers",
        "2",
    ]);
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}")]);
    let output = command.current_dir(place.path()).output().expect("schemathesis");
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}
