//! `cofferdam-host run`.

use crate::{component, ended, host, write_guest};
use cofferdam_tests::{
    hosts::agent,
    leaks::assert_no_leaks,
    program::{TestDir, stdout},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{ffi::OsStr, path::Path, process::Output};

fn invoke(dir: &TestDir, call: &str, component: &Path) -> Output {
    let args = ["run".as_ref(), "--invoke".as_ref(), OsStr::new(call), component.as_os_str()];
    host(dir, args).output().expect("the host")
}

#[test]
fn a_call_and_its_result_have_the_syntax_of_the_wasmtime_cli() {
    let dir = TestDir::new();
    let output = invoke(&dir, r#"execute({code: "print(6*7)"})"#, &component("code-executor"));
    let (code, result, _) = ended(&output);
    assert_eq!(code, Some(0));
    assert!(result.starts_with(r#"ok({id: "run-"#), "{result}");
    assert!(result.contains(r#"status: exited(0), stdout: {text: "42\n", length: 3}"#), "{result}");
    assert_no_leaks(&dir);
}

#[test]
fn an_agent_with_no_authority_but_the_sandbox_answers() {
    let dir = TestDir::new();
    // Its first program fails, and it corrects it.
    let output = invoke(&dir, r#"ask("factorial of 20")"#, &agent("rust-bare"));
    assert_eq!(ended(&output), (Some(0), "ok(\"2432902008176640000\")\n".into(), String::new()));
    assert_no_leaks(&dir);
}

#[test]
fn a_result_that_is_an_error_gives_exit_code_1() {
    let dir = TestDir::new();
    let output = invoke(&dir, r#"ask("who are you")"#, &agent("rust-bare"));
    let answer = "err(\"I do not know how to answer this question.\")\n";
    assert_eq!(ended(&output), (Some(1), answer.into(), String::new()));
}

#[test]
fn an_instance_requests_no_more_executions_than_allowed() {
    let dir = TestDir::new();
    let args = ["run", "--max-executions", "1", "--invoke", r#"ask("factorial of 20")"#];
    let output = host(&dir, args).arg(agent("rust-bare")).output().expect("the host");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("execution limit of this instance reached"), "{}", stdout(&output));
}

#[test]
fn an_invalid_call_says_what_is_wrong() {
    let dir = TestDir::new();
    for (call, part) in [
        ("nope()", "the component exports no function nope; it exports execute, render"),
        ("execute(", "--invoke execute(: "),
        ("execute()", "--invoke execute(): "),
        ("execute({code: 1})", "--invoke execute({code: 1}): "),
        ("execute({code: \"1\", limits: {wall-time: 1}})", "a record has no field wall-time"),
        ("execute({code: \"1\", files: some([{name: \"a\", content: []}])})", "a record has no field name"),
    ] {
        let (code, printed, message) = ended(&invoke(&dir, call, &component("code-executor")));
        assert_eq!((code, printed), (Some(1), String::new()));
        assert!(message.starts_with("cofferdam-host: ") && message.contains(part), "{message}");
    }
}

#[test]
fn a_component_that_cannot_run_is_refused() {
    let dir = TestDir::new();
    dir.write("text.wasm", "hello");
    write_guest(&dir, r#"(component (import "example:other/thing" (func)))"#);
    for (component, part) in [
        ("text.wasm", "text.wasm cannot be loaded: "),
        ("missing.wasm", "missing.wasm cannot be loaded: "),
        ("guest.wasm", "`example:other/thing`"),
    ] {
        let (code, _, message) = ended(&host(&dir, ["run", component]).output().expect("the host"));
        assert!(code == Some(1) && message.contains(part), "{message}");
    }
    write_guest(&dir, "(component)");
    let (code, _, message) = ended(&host(&dir, ["run", "guest.wasm"]).output().expect("the host"));
    assert!(code == Some(1) && message.contains("name a function with --invoke"), "{message}");
}

#[test]
fn a_command_gives_its_exit_code() {
    let dir = TestDir::new();
    for (result, expected) in [(0, 0), (1, 1)] {
        write_guest(
            &dir,
            &format!(
                r#"(component
                    (core module $m (func (export "run") (result i32) i32.const {result}))
                    (core instance $i (instantiate $m))
                    (func $run (result (result)) (canon lift (core func $i "run")))
                    (instance $command (export "run" (func $run)))
                    (export "wasi:cli/run@0.2.0" (instance $command)))"#
            ),
        );
        let output = host(&dir, ["run", "guest.wasm"]).output().expect("the host");
        assert_eq!(ended(&output), (Some(expected), String::new(), String::new()));
    }
}

#[test]
fn a_signal_ends_the_execution_and_its_sandbox() {
    let dir = TestDir::new();
    let code = r#"execute({code: "open('started', 'w')\nwhile True: pass"})"#;
    let mut host = host(&dir, ["run", "--invoke", code]);
    // The log says when the sandbox is being started.
    host.env("COFFERDAM_LOG", "cofferdam=debug").arg(component("code-executor"));
    let mut child = host.spawn().expect("the host");
    let mut log = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("the sandbox is being started") {
        line.clear();
        let length = std::io::BufRead::read_line(&mut log, &mut line).expect("a log");
        assert_ne!(length, 0, "the log ended before the program started");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal");
    std::io::copy(&mut log, &mut std::io::sink()).expect("a log");
    assert_eq!(child.wait().expect("an end").code(), Some(143));
    assert_no_leaks(&dir);
}
