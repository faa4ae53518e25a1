//! `make deny` fails if it cannot check for advisories.

use cofferdam_tests::program::{TestDir, root, stderr};
use std::process::{Command, Output};

/// Checks for advisories without a database, and without access to one.
fn check(mode: Option<&str>) -> Output {
    let dir = TestDir::new();
    let mut command = Command::new(root().join("scripts/deny.sh"));
    command.arg("advisories").env("CARGO_HOME", dir.path()).env_remove("ADVISORIES");
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_VALUE_0", "https://");
    command.env("GIT_CONFIG_KEY_0", format!("url.file://{}/nothing/.insteadOf", dir.path().display()));
    command.envs(mode.map(|mode| ("ADVISORIES", mode))).output().expect("bash")
}

#[test]
fn deny_fails_without_an_advisory_database_unless_the_check_is_optional() {
    for (mode, passes) in
        [(None, false), (Some("required"), false), (Some("optional"), true), (Some("skip"), true)]
    {
        let output = check(mode);
        assert_eq!(output.status.success(), passes, "{mode:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("NOT CHECKED FOR ADVISORIES"), "{mode:?}: {}", stderr(&output));
    }
    let output = check(Some("sometimes"));
    assert!(
        !output.status.success() && stderr(&output).contains("ADVISORIES is sometimes"),
        "{}",
        stderr(&output)
    );
}
