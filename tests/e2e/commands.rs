//! Commands other than `run`, and what all commands have in common.

use cofferdam_tests::program::{TestDir, root, stderr, stdout};
use std::{
    fs,
    process::{Command, Stdio},
};

#[test]
fn a_closed_stdout_ends_each_command_silently() {
    let dir = TestDir::new();
    dir.write("p.py", "print(1)");
    for (args, code) in [
        (&["completions", "bash"][..], 141),
        (&["component", "-o", "-"], 141),
        (&["manifests"], 141),
        (&["gc"], 141),
        (&["doctor", "--backend", "local", "--no-probe", "--json"], 141),
        (&["run", "--json", "nowhere.py"], 141),
        (&["run", "--json", "p.py"], 141),
        (&["run", "--help"], 0),
        (&["--version"], 0),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = dir.cofferdam(args).stdout(writer).output().expect("cofferdam");
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(code)), "{args:?}");
    }
}

#[test]
fn doctor_reports_the_runsc_that_executions_use() {
    let dir = TestDir::new();
    let found = stdout(&dir.run(["doctor", "--backend", "local", "--no-probe"]));
    let runsc =
        found.split("gVisor is installed: ").nth(1).and_then(|rest| rest.split(" (").next()).expect(&found);
    assert!(fs::metadata(runsc).is_ok_and(|file| file.is_file()), "{found}");
    for options in [["--runsc", runsc], ["--rootfs", "nowhere"]] {
        let report = stdout(&dir.run(["doctor", "--backend", "local", "--no-probe"].iter().chain(&options)));
        assert!(report.contains(&format!("ok      gVisor is installed: {runsc} (")), "{options:?} {report}");
        assert_eq!(
            report.contains("nowhere, which is not a directory"),
            options[0] == "--rootfs",
            "{report}"
        );
    }
}

#[test]
fn components_are_written_to_a_file_or_stdout() {
    let dir = TestDir::new();
    for (options, built) in [
        (&[][..], "code-executor"),
        (&["--stream"], "code-executor-stream"),
        (&["--composed"], "code-executor-http"),
        (&["--tool"], "code-executor-tool"),
    ] {
        let built =
            fs::read(root().join(format!("target/components/{built}.wasm"))).expect("`make build` makes it");
        let run = |output| dir.run(["component"].iter().chain(options).chain(&["-o", output]));
        assert_eq!(run("c.wasm").status.code(), Some(0));
        assert!(fs::read(dir.path().join("c.wasm")).expect("a component") == built, "{options:?}");
        assert!(run("-").stdout == built, "{options:?}");
        let failed = run("nowhere/c.wasm");
        assert_eq!(failed.status.code(), Some(125));
        assert!(stderr(&failed).contains("`nowhere/c.wasm` cannot be written"), "{}", stderr(&failed));
    }
}

#[test]
fn a_component_is_not_written_to_a_terminal() {
    let dir = TestDir::new();
    let cofferdam = root().join("target/release/cofferdam");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{} component -o -", cofferdam.display()))
        .arg("/dev/null")
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .expect("script");
    assert_eq!(output.status.code(), Some(125));
    assert!(stdout(&output).contains("refusing to write binary output to a terminal"), "{}", stdout(&output));
}

#[test]
fn help_has_examples_and_completions_are_scripts() {
    let dir = TestDir::new();
    assert!(stdout(&dir.run(["run", "--help"])).contains("Examples:"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&dir.run(["completions", shell])).contains("cofferdam"), "{shell}");
    }
}
