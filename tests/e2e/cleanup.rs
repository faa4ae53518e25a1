//! Nothing outlives an execution, however it ended.

pub(super) use cofferdam_tests::leaks::assert_no_leaks;
use cofferdam_tests::{
    leaks::{leaked_cgroups, leaked_resources},
    program::{TestDir, stderr, stdout},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Output},
    thread,
};

/// Reads a log up to a line with this event, and returns what it has read.
pub(super) fn read_until(log: &mut impl BufRead, event: &str) -> String {
    let mut text = String::new();
    while !text.lines().last().is_some_and(|line| line.contains(event)) {
        assert_ne!(log.read_line(&mut text).expect("a log"), 0, "it ended before {event:?}:\n{text}");
    }
    text
}

/// Sends a signal to `cofferdam` once its log contains `event`, and returns its output.
pub(super) fn signal_when(mut child: Child, event: &str, signal: Signal) -> Output {
    let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut text = read_until(&mut log, event);
    kill_process(Pid::from_child(&child), signal).expect("a signal");
    let rest = thread::spawn(move || {
        let _ = log.read_to_string(&mut text);
        text
    });
    let mut output = child.wait_with_output().expect("an end");
    output.stderr = rest.join().expect("a log").into_bytes();
    output
}

/// The execution id in a log.
pub(super) fn id_in(log: &str) -> Option<String> {
    let at = log.find("run-")?;
    log.get(at..at + 24).map(str::to_owned)
}

#[test]
fn an_execution_leaves_nothing_behind() {
    let dir = TestDir::new();
    dir.write("p.py", "import os, time\nif os.fork() == 0:\n os.setsid()\n time.sleep(600)\nprint('done')");
    let output = dir.run(["run", "p.py"]);
    assert_eq!((stdout(&output), stderr(&output)), ("done\n".into(), String::new()));
    assert_no_leaks(&dir);
}

#[test]
fn killing_cofferdam_ends_its_sandbox() {
    let dir = TestDir::new();
    dir.write("p.py", "while True: pass");
    let child =
        dir.cofferdam(["run", "p.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    signal_when(child, "the program runs", Signal::KILL);
    // No process cleans up: the sandbox has to end by itself. The test's own time limit bounds the wait.
    while leaked_resources(&dir).iter().any(|left| left.starts_with("process")) {
        thread::yield_now();
    }
    assert_eq!(stdout(&dir.run(["gc"])), "deleted the leftovers of 1 execution\n");
    assert_no_leaks(&dir);
    assert_eq!(stdout(&dir.run(["gc"])), "nothing to delete\n");
}

#[test]
fn gc_keeps_running_sandboxes() {
    let dir = TestDir::new();
    dir.write("wait.py", "import time; time.sleep(3); print('alive')");
    let mut command = dir.cofferdam(["run", "wait.py"]);
    let mut child = command.env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
    read_until(&mut log, "the program runs");
    assert_eq!(stdout(&dir.run(["gc"])), "nothing to delete\n");
    assert_eq!(stdout(&child.wait_with_output().expect("an end")), "alive\n");
}

const PHASES: [&str; 4] =
    ["requested", "the sandbox is being started", "the sandbox is ready", "the program runs"];

/// Executes a program, or kills every tenth execution in one of the phases. Returns the id.
fn execute_or_kill(dir: &TestDir, number: usize) -> Option<String> {
    if number % 10 == 9 {
        let mut command = dir.cofferdam(["run", "endless.py"]);
        let child = command.env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
        let output = signal_when(child, PHASES[number / 10 % PHASES.len()], Signal::KILL);
        return id_in(&stderr(&output));
    }
    let output = dir.run(["run", "--json", "short.py"]);
    let json = stdout(&output);
    assert!(json.contains("\"content\":\"ok\\n\""), "{json} {}", stderr(&output));
    id_in(&json)
}

#[test]
fn two_hundred_executions_with_every_tenth_killed_leave_nothing_behind() {
    const EXECUTIONS: usize = 200;
    const WORKERS: usize = 4;
    let dir = TestDir::new();
    dir.write("short.py", "print('ok')");
    dir.write("endless.py", "import subprocess\nsubprocess.run(['sleep', '600'])");
    let execute_share = |worker: usize| -> Vec<String> {
        let numbers = (worker..EXECUTIONS).step_by(WORKERS);
        numbers.filter_map(|number| execute_or_kill(&dir, number)).collect()
    };
    let ids: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || execute_share(worker))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    assert_eq!(ids.len(), EXECUTIONS);
    let output = dir.run(["gc"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_no_leaks(&dir);
    assert_eq!(leaked_cgroups(&ids), Vec::<String>::new());
}

#[test]
fn the_next_execution_cleans_up_after_a_killed_one() {
    let dir = TestDir::new();
    dir.write("p.py", "while True: pass");
    dir.write("ok.py", "print(1)");
    let child =
        dir.cofferdam(["run", "p.py"]).env("COFFERDAM_LOG", "cofferdam=debug").spawn().expect("cofferdam");
    signal_when(child, "the program runs", Signal::KILL);
    assert_eq!(stdout(&dir.run(["run", "ok.py"])), "1\n");
    assert_no_leaks(&dir);
}

#[test]
fn foreign_files_in_the_state_directory_are_kept() {
    let dir = TestDir::new();
    let state = dir.state();
    fs::create_dir_all(state.join("Cargo")).expect("a folder");
    for name in ["Cargo.lock", ".lock", "...lock", "run-x.lock"] {
        fs::write(state.join(name), "").expect("a file");
    }
    fs::write(state.join("Cargo/file"), "").expect("a file");
    std::fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a folder");
    dir.write("p.py", "print(1)");
    assert_eq!(stdout(&dir.run(["run", "p.py"])), "1\n");
    assert_eq!(stdout(&dir.run(["gc"])), "nothing to delete\n");
    for name in ["Cargo.lock", ".lock", "...lock", "run-x.lock", "Cargo/file"] {
        assert!(state.join(name).exists(), "{name}");
    }
    assert!(dir.path().join("p.py").exists());
}
