//! Each invalid request gets one clear error immediately and leaves nothing behind.

use cofferdam_tests::program::{TestDir, stderr, stdout};
use std::process::Output;

fn assert_refused(dir: &TestDir, output: &Output, part: &str) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(125), "{message}");
    assert_eq!(stdout(output), "");
    assert!(message.contains(part), "{message:?} lacks {part:?}");
    assert!(!message.contains('\x1b') && !message.contains("panicked"), "{message:?}");
    super::cleanup::assert_no_leaks(dir);
}

#[test]
fn invalid_requests_and_options_are_refused() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    dir.write("nul.py", "print('\0')");
    dir.write("latin1.py", b"print('\xe9')");
    dir.write("large.py", vec![b'#'; (1 << 20) + 1]);
    dir.write("half", vec![0; (4 << 20) + 1]);
    for (args, part) in [
        (&["run", "nul.py"][..], "NUL"),
        (&["run", "latin1.py"], "`latin1.py` is not UTF-8: byte 7"),
        (&["run", "large.py"], "1048577 bytes"),
        (&["run", "missing.py"], "`missing.py` cannot be read"),
        (&["run", "."], "is a folder"),
        (
            &["run", "--disk", "8Mi", "--file", "half:a", "--file", "half:b", "p.py"],
            "8388608 bytes of the limit disk-bytes",
        ),
        (&["run", "--file", "p.py:/etc/passwd", "p.py"], "absolute"),
        (&["run", "--file", "p.py:../x", "p.py"], "`..`"),
        (&["run", "--file", "p.py:a", "--file", "p.py:a", "p.py"], "given twice"),
        (&["run", "--file", "p.py:main.py", "p.py"], "is the program itself"),
        (&["run", "--file", "nowhere", "p.py"], "`nowhere` cannot be read"),
        (&["run", "--language", "cobol", "p.py"], "`cobol` is unknown; available: bash, python"),
        (&["run", "--language", "a\x1b[31m", "p.py"], "unknown"),
        (&["run", "--timeout", "0", "p.py"], "--timeout"),
        (&["run", "--timeout=-1", "p.py"], "--timeout"),
        (&["run", "--timeout", "999999", "p.py"], "ceiling"),
        (&["run", "--memory", "0", "p.py"], "--memory"),
        (&["run", "--memory", "lots", "p.py"], "an amount of bytes"),
        (
            &["run", "--memory", "99Ti", "p.py"],
            "--memory 99Ti is above the ceiling of 8Gi (ceilings.mem_limit)",
        ),
        (&["run", "--cpu", "0", "p.py"], "an amount of CPU"),
        (&["run", "--processes", "0", "p.py"], "limits: processes is zero"),
        (&["run", "--env", "=x", "p.py"], "env: a variable has no name"),
        (&["run", "--env", "A=1", "--env", "A=2", "p.py"], "`A` is given twice"),
        (&["run", "--env", "COFFERDAM_TEST_UNSET", "p.py"], "COFFERDAM_TEST_UNSET"),
        (&["run", "--label", "a", "p.py"], "KEY=VALUE"),
        (&["run", "--collect", "*", "p.py"], "--out"),
        (&["run", "--out", "o", "p.py"], "--collect"),
        (&["run", "--overwrite", "--json", "p.py"], "--out"),
        (&["run", "--env-file", "p.py", "p.py"], "entry 1 is not NAME=VALUE"),
        (&["run", "--env-file", "nowhere", "p.py"], "`nowhere` cannot be read"),
        (&["run", "--collect", "../*", "--out", "o", "p.py"], "leads out of the working directory"),
        (&["run", "--kubeconfig", "nowhere", "p.py"], "`kubeconfig_path` names nowhere"),
        (&["run", "--runsc", "p.py", "p.py"], "not an executable file"),
        (&["run", "--rootfs", "p.py", "p.py"], "not a directory"),
        (&["run", "--config", "none.toml", "p.py"], "none.toml cannot be read"),
        (&["run"], "FILE"),
    ] {
        let output = dir.run(args);
        assert_refused(&dir, &output, part);
    }
}

#[test]
fn missing_gvisor_is_reported_with_a_remedy() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let output =
        dir.cofferdam(["run", "p.py"]).env("PATH", "/nowhere").env("XDG_CACHE_HOME", dir.path()).output();
    let output = output.expect("cofferdam");
    assert_refused(&dir, &output, "there is no `runsc` in");
    assert!(!stderr(&output).contains("/nowhere"), "the message contains the PATH: {}", stderr(&output));
}

#[test]
fn a_failing_runsc_is_reported_as_a_start_failure() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    let output = dir.run(["run", "--runsc", "/bin/false", "p.py"]);
    assert_refused(&dir, &output, "the sandbox could not be started");
}

#[test]
fn no_code_runs_outside_gvisor() {
    let dir = TestDir::new();
    dir.write("p.py", "open('/tmp/cofferdam-ran-outside', 'w')");
    // A `runsc` that starts the runner without a sandbox.
    dir.write(
        "fake",
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = --bundle ] && exec \"$2/../runner/runner\"; shift; done",
    );
    let fake = dir.path().join("fake");
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a script");
    let output = dir.run(["run".as_ref(), "--runsc".as_ref(), fake.as_os_str(), "p.py".as_ref()]);
    assert_refused(&dir, &output, "not a gVisor sandbox");
    assert!(!std::path::Path::new("/tmp/cofferdam-ran-outside").exists());
}

#[test]
fn a_missing_interpreter_is_named() {
    let dir = TestDir::new();
    dir.write("p.rb", "puts 1");
    dir.write("ruby.toml", "[languages.ruby]\ncommand = [\"no-such-ruby\"]\nfile = \"main.rb\"");
    let output = dir.run(["run", "--config", "ruby.toml", "p.rb"]);
    assert_refused(&dir, &output, "no-such-ruby");
}

#[test]
fn errors_are_json_with_the_json_option() {
    let dir = TestDir::new();
    dir.write("nul.py", "\0");
    for (file, code) in [("nul.py", "invalid-request"), ("missing.py", "invalid-request")] {
        let output = dir.run(["run", "--json", file]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((json["code"].as_str(), output.status.code()), (Some(code), Some(125)));
    }
}
