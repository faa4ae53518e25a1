//! An unprivileged user gets the same sandbox.

use cofferdam::{config::Settings, local::LocalBackend};
use cofferdam_tests::program::{TestDir, root, stderr, stdout};
use rustix::process::geteuid;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    process::{Command, Output, Stdio},
};

const NOBODY: u32 = 65534;

/// Runs a program as the user `nobody`, or as the current user if that is not root.
fn run(dir: &TestDir, program: &str, options: &[&str]) -> Output {
    let local = LocalBackend::new(&Settings::default().local()).expect("`make setup` installs gVisor");
    for (from, name) in
        [(root().join("target/release/cofferdam"), "cofferdam"), (local.runsc().to_owned(), "runsc")]
    {
        fs::copy(from, dir.path().join(name)).expect("a copy");
    }
    dir.write("p.py", program);
    let mut command = if geteuid().is_root() {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("a folder");
        chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("a folder");
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]);
        command.arg(dir.path().join("cofferdam"));
        command
    } else {
        Command::new(dir.path().join("cofferdam"))
    };
    command
        .args(["run", "--runsc", "./runsc"])
        .args(options)
        .arg("p.py")
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", dir.path())
        .env("COFFERDAM_STATE_DIR", dir.state())
        .stdin(Stdio::null())
        .output()
        .expect("cofferdam")
}

#[test]
fn an_unprivileged_user_can_run_and_leaves_nothing_behind() {
    let dir = TestDir::new();
    let output = run(&dir, "import os\nprint(os.getuid())\nraise SystemExit(3)", &[]);
    assert_eq!((stdout(&output), output.status.code()), ("1001\n".into(), Some(3)), "{}", stderr(&output));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn gvisors_own_memory_is_limited_without_a_cgroup() {
    let dir = TestDir::new();
    // It writes output all the time: the limit does not wait for a pause.
    let program = "\
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (500000, 524288))
while True:
    r, w = os.pipe()
    os.write(w, bytes(65536))
    os.write(1, b'.')";
    let options = ["--memory", "64Mi", "--disk", "16Mi", "--timeout", "100"];
    let output = run(&dir, program, &options);
    assert_eq!(output.status.code(), Some(137), "{}", stderr(&output));
    assert!(stderr(&output).contains("--memory"), "{}", stderr(&output));
    super::cleanup::assert_no_leaks(&dir);
}

#[test]
fn a_sandbox_that_hangs_is_killed_without_a_cgroup() {
    let dir = TestDir::new();
    let output = run(&dir, super::broken_sandbox::DEADLOCKS_GVISOR, &["--timeout", "8"]);
    assert_eq!(
        (stdout(&output), output.status.code()),
        ("before\n".into(), Some(124)),
        "{}",
        stderr(&output)
    );
    super::cleanup::assert_no_leaks(&dir);
}
