//! Clients and servers that end while a program runs: nothing hangs, and nothing is left behind.

use crate::{
    clients::{MODES, Transport, client},
    server::{Server, call},
};
use cofferdam_tests::{
    leaks::assert_no_leaks,
    program::{TestDir, stderr},
    sidecar::Sidecar,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout},
};

/// Starts a scenario, and returns when it has printed that its program runs.
fn start_scenario(
    dir: &TestDir,
    transport: &Transport,
    mode: &str,
    scenario: &str,
) -> (Child, BufReader<ChildStdout>) {
    let mut child = client(dir, transport, mode, &[scenario]).spawn().expect("Python");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "the program runs\n", "{}", stderr(&child.wait_with_output().expect("an end")));
    (child, stdout)
}

#[test]
fn killing_the_sidecar_is_an_error_in_its_client() {
    for mode in MODES {
        let dir = TestDir::new();
        let sidecar = Sidecar::start(&dir, &[], &[]);
        let (child, mut stdout) =
            start_scenario(&dir, &Transport::Http(sidecar.address.clone(), None), mode, "server_is_killed");
        sidecar.signal(Signal::KILL);
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let output = child.wait_with_output().expect("an end");
        assert!(output.status.success() && line.starts_with("error: "), "{mode}: {line} {}", stderr(&output));
        drop(sidecar);
        // The next sidecar cleans up.
        drop(Sidecar::start(&dir, &[], &[]));
        assert_no_leaks(&dir);
    }
}

#[test]
fn killing_an_http_client_cancels_its_executions() {
    for mode in MODES {
        let dir = TestDir::new();
        let mut sidecar = Sidecar::start(&dir, &[], &[]);
        let (mut child, _) =
            start_scenario(&dir, &Transport::Http(sidecar.address.clone(), None), mode, "client_is_killed");
        child.kill().expect("a kill");
        child.wait().expect("an end");
        sidecar.wait_for("status=Cancelled");
        assert_no_leaks(&dir);
    }
}

#[test]
fn closing_stdin_cancels_the_executions() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir, &[]);
    server.start_endless();
    let output = server.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("status=Cancelled"), "{}", stderr(&output));
    assert_no_leaks(&dir);
}

#[test]
fn closing_stdin_ends_the_sessions() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir, &[]);
    server.initialize();
    let mut call = |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let request = json!({ "jsonrpc": "2.0", "id": tool, "method": "tools/call", "params": params });
        server.request(&request)["structuredContent"].take()
    };
    let session = call("open_session", json!({}))["id"].take();
    let arguments = json!({ "session": session, "command": ["sleep", "1000"], "background": true });
    let started = call("run_command", arguments);
    assert!(started["pid"].is_u64(), "{started}");
    let output = server.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_no_leaks(&dir);
}

#[test]
fn a_termination_signal_cancels_the_executions() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = TestDir::new();
        let mut server = Server::start(&dir, &[]);
        server.start_endless();
        // The client keeps stdin open.
        kill_process(Pid::from_child(&server.child), signal).expect("a signal");
        while server.receive().is_some() {}
        let output = server.child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("status=Cancelled"), "{}", stderr(&output));
        assert_no_leaks(&dir);
    }
}

#[test]
fn a_client_that_sends_nothing_or_nonsense_is_not_an_error() {
    for sent in ["", "nonsense\n", "{}\n[]\n\u{0}\n"] {
        let dir = TestDir::new();
        let mut server = Server::start(&dir, &[]);
        server.stdin.write_all(sent.as_bytes()).expect("a reader");
        let output = server.end();
        assert_eq!(output.status.code(), Some(0), "{sent:?}: {}", stderr(&output));
    }
}

#[test]
fn an_invalid_message_is_answered_and_the_connection_stays_open() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir, &[]);
    let call = |arguments: Value| call("a", &arguments).to_string();
    let wrong = [
        ("nonsense".to_owned(), -32700, Value::Null),
        ("{\"id\": 1".into(), -32700, Value::Null),
        ("[]".into(), -32600, Value::Null),
        (call(json!("print(1)")), -32602, json!("a")),
        (call(json!([])), -32602, json!("a")),
    ];
    // Before and after the initialization.
    for is_initialized in [false, true] {
        if is_initialized {
            server.initialize();
        }
        for (line, code, id) in &wrong {
            writeln!(server.stdin, "{line}").expect("a reader");
            let response = server.receive().expect("a response");
            assert_eq!(
                (&response["error"]["code"], &response["id"]),
                (&json!(code), id),
                "{line}: {response}"
            );
        }
    }
    let code = format!("print(6*7)#{}", "x".repeat(100_000));
    writeln!(server.stdin, "{}", call(json!({ "code": code, "env": null }))).expect("a reader");
    let response = server.receive().expect("a response");
    assert_eq!(response["result"]["structuredContent"]["stdout"]["content"], "42\n", "{response}");
    assert_eq!(server.end().status.code(), Some(0));
}
