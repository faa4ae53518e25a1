//! Clients and servers that end while a program runs: nothing hangs, and nothing is left behind.

use crate::clients::{MODES, Transport, client, environment, program};
use cofferdam_tests::{
    leaks::assert_no_leaks,
    program::{TestDir, stderr},
    sidecar::Sidecar,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
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

/// `cofferdam mcp`, and its streams.
struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(dir: &TestDir) -> Self {
        let mut command = Command::new(program());
        let settings = environment(dir);
        command.arg("mcp").envs(settings.iter().filter_map(|setting| setting.split_once('=')));
        command.env("COFFERDAM_LOG", "cofferdam=info");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cofferdam");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin, "{message}").expect("a reader");
    }

    /// The next message; none at the end.
    fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        // stdout contains only messages.
        (!line.is_empty()).then(|| serde_json::from_str(&line).expect("a message"))
    }

    /// Initializes the connection.
    fn initialize(&mut self) {
        let client_info = json!({ "name": "test", "version": "0" });
        let params =
            json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client_info });
        self.send(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
        let response = self.receive().expect("a response");
        assert_eq!(response["result"]["serverInfo"]["name"], "cofferdam", "{response}");
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    /// Calls an endless program, and returns when it runs.
    fn start_endless(&mut self) {
        self.initialize();
        let params = json!({
            "name": "execute_code",
            "arguments": { "code": "while True: pass" },
            "_meta": { "progressToken": "t" },
        });
        self.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }));
        loop {
            let message = self.receive().expect("a notification");
            assert_eq!(message["method"], "notifications/progress", "{message}");
            if message["params"]["message"]
                .as_str()
                .is_some_and(|text| text.contains("the program is running"))
            {
                return;
            }
        }
    }

    fn end(self) -> Output {
        drop(self.stdin);
        self.child.wait_with_output().expect("an end")
    }
}

#[test]
fn closing_stdin_cancels_the_executions() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir);
    server.start_endless();
    let output = server.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("status=Cancelled"), "{}", stderr(&output));
    assert_no_leaks(&dir);
}

#[test]
fn a_termination_signal_cancels_the_executions() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = TestDir::new();
        let mut server = Server::start(&dir);
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
        let mut server = Server::start(&dir);
        server.stdin.write_all(sent.as_bytes()).expect("a reader");
        let output = server.end();
        assert_eq!(output.status.code(), Some(0), "{sent:?}: {}", stderr(&output));
    }
}

#[test]
fn an_invalid_message_is_answered_and_the_connection_stays_open() {
    let dir = TestDir::new();
    let mut server = Server::start(&dir);
    let call = |arguments: Value| {
        let params = json!({ "name": "execute_code", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": params }).to_string()
    };
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
