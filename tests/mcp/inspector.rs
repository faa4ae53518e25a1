//! The inspector's command line, an independent client in JavaScript.

use crate::clients::{assert_success, environment, inspector, program};
use cofferdam_tests::{program::TestDir, sidecar::Sidecar};
use serde_json::{Value, json};
use std::process::Command;

const ARGUMENTS: &str = r#"{"code": "print(6*7)\nopen('a.txt', 'w').write('x')"}"#;

fn assert_lists(mut command: Command) {
    // With --strict, the inspector fails for an invalid schema.
    let output = command.args(["--method", "tools/list", "--strict"]).output().expect("Node");
    assert_success(&output, "tools/list");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(listed["tools"][0]["name"], "execute_code", "{listed}");
}

fn assert_calls(mut command: Command) {
    command.args(["--method", "tools/call", "--tool-name", "execute_code", "--tool-args-json", ARGUMENTS]);
    let output = command.output().expect("Node");
    assert_success(&output, "tools/call");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let account = "exit code: 0\nstdout (3 bytes):\n```\n42\n```\nfiles: `a.txt` (1 bytes)\n";
    assert_eq!(result["content"][0], json!({ "type": "text", "text": account }), "{result}");
    assert_eq!(result["content"][1]["resource"]["text"], "x", "{result}");
    assert_eq!(result["structuredContent"]["exit_code"], 0, "{result}");
}

#[test]
fn works_over_stdio() {
    let dir = TestDir::new();
    let command = || {
        let mut command = inspector(&dir);
        command.arg(program()).arg("mcp");
        for setting in environment(&dir) {
            command.args(["-e", &setting]);
        }
        command
    };
    assert_lists(command());
    assert_calls(command());
}

#[test]
fn works_over_http() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    for era in ["legacy", "modern"] {
        let command = || {
            let mut command = inspector(&dir);
            command.args([
                &format!("http://{}/mcp", sidecar.address),
                "--transport",
                "http",
                "--protocol-era",
                era,
            ]);
            command
        };
        assert_lists(command());
        assert_calls(command());
    }
}
