//! The CPU limit applies to the program, and only while it runs.

use cofferdam_tests::program::TestDir;
use rustix::process::geteuid;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    thread,
};

/// The CPU quotas of all current executions in microseconds per period; `max` and -1 mean no limit.
fn quotas() -> Vec<String> {
    let files = [("cofferdam", "cpu.max"), ("cpu/cofferdam", "cpu.cfs_quota_us")];
    let quota = |folder: fs::DirEntry, file: &str| fs::read_to_string(folder.path().join(file)).ok();
    let read = |(parent, file)| {
        let folders = fs::read_dir(Path::new("/sys/fs/cgroup").join(parent)).into_iter().flatten().flatten();
        folders.filter_map(move |folder| quota(folder, file))
    };
    let first = |text: String| text.split_whitespace().next().map(str::to_owned);
    files.into_iter().flat_map(read).filter_map(first).collect()
}

#[test]
fn the_cpu_limit_applies_while_the_program_runs() {
    if !geteuid().is_root() {
        return;
    }
    let dir = TestDir::new();
    dir.write("p.py", "print('busy')\nwhile True: pass");
    let mut child = dir.cofferdam(["run", "--cpu", "0.137", "p.py"]).spawn().expect("cofferdam");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert_eq!(line, "busy\n");
    // The quota is set as soon as the sidecar knows that the program runs.
    while !quotas().contains(&"13700".into()) {
        assert_eq!(child.try_wait().expect("a process"), None, "{:?}", quotas());
        thread::yield_now();
    }
    child.kill().expect("a process");
    child.wait().expect("an end");
}

#[test]
fn one_millicpu_is_enough_to_start_and_to_time_out() {
    if !geteuid().is_root() {
        return;
    }
    let dir = TestDir::new();
    dir.write("p.py", "while True: pass");
    let output = dir.run(["run", "--json", "--cpu", "0.001", "--timeout", "1", "p.py"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an outcome");
    assert_eq!(json["status"], "timed-out", "{json}");
    super::cleanup::assert_no_leaks(&dir);
}
