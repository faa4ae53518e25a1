//! Commands other than `run`, and what all commands have in common.

use cofferdam_tests::program::{Place, stderr, stdout};
use std::fs;

#[test]
fn a_closed_stdout_ends_each_command_silently() {
    let place = Place::new();
    place.write("p.py", "print(1)");
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
        let output = place.cofferdam(args).stdout(writer).output().expect("cofferdam");
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(code)), "{args:?}");
    }
}

#[test]
fn doctor_reports_the_runsc_that_executions_use() {
    let place = Place::new();
    let found = stdout(&place.run(["doctor", "--backend", "local", "--no-probe"]));
    let runsc = found.split("gVisor is there: ").nth(1).and_then(|rest| rest.split(" (").next()).expect(&found);
    assert!(fs::metadata(runsc).is_ok_and(|file| file.is_file()), "{found}");
    for options in [["--runsc", runsc], ["--rootfs", "nowhere"]] {
        let report = stdout(&place.run(["doctor", "--backend", "local", "--no-probe"].iter().chain(&options)));
        assert!(report.contains(&format!("ok      gVisor is there: {runsc} (")), "{options:?} {report}");
        assert_eq!(report.contains("nowhere, which is not a folder"), options[0] == "--rootfs", "{report}");
    }
}
