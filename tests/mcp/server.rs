//! `cofferdam mcp`, whose messages a test writes and reads itself.

use crate::clients::{environment, program};
use cofferdam_tests::program::TestDir;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
};

/// A call of the tool.
pub(crate) fn call(id: &str, arguments: &Value) -> Value {
    let params = json!({ "name": "execute_code", "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

/// `cofferdam mcp`, and its streams.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start(dir: &TestDir, args: &[&str]) -> Self {
        let mut command = Command::new(program());
        let settings = environment(dir);
        command
            .arg("mcp")
            .args(args)
            .current_dir(dir.path())
            .envs(settings.iter().filter_map(|setting| setting.split_once('=')));
        command.env("COFFERDAM_LOG", "cofferdam=info");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cofferdam");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        writeln!(self.stdin, "{message}").expect("a reader");
    }

    /// The next message; none at the end.
    pub(crate) fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        // stdout contains only messages.
        (!line.is_empty()).then(|| serde_json::from_str(&line).expect("a message"))
    }

    /// Initializes the connection.
    pub(crate) fn initialize(&mut self) {
        let client_info = json!({ "name": "test", "version": "0" });
        let params =
            json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client_info });
        self.send(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
        let response = self.receive().expect("a response");
        assert_eq!(response["result"]["serverInfo"]["name"], "cofferdam", "{response}");
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    /// Calls an endless program, and returns when it runs.
    pub(crate) fn start_endless(&mut self) {
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

    /// Calls the tool and returns the result.
    pub(crate) fn call(&mut self, arguments: &Value) -> Value {
        self.request(&call("a", arguments))
    }

    /// Sends a request and returns its result.
    pub(crate) fn request(&mut self, request: &Value) -> Value {
        self.send(request);
        let mut response = self.receive().expect("a response");
        assert_eq!(response["id"], request["id"], "{response}");
        response["result"].take()
    }

    pub(crate) fn end(self) -> Output {
        drop(self.stdin);
        self.child.wait_with_output().expect("an end")
    }
}
