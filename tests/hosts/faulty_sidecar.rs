//! The composed component returns an error of the contract for every fault of a sidecar: it neither traps nor
//! hangs.

use crate::scripted_server::{OUTCOME, ScriptedServer, closed_url, response};
use cofferdam_tests::{
    hosts::{command, transpile},
    program::{TestDir, root, stderr, stdout},
    sidecar::Sidecar,
};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    sync::LazyLock,
};

const JSON: &str = "content-type: application/json\r\ncofferdam-version: 0.1.0\r\n";
const HTML: &str = "content-type: text/html\r\n";

/// An expected error: its code, whether it is retryable, and a part of its message.
pub(crate) type ExpectedError = (&'static str, bool, &'static str);

const UNKNOWN: &str = "whether the program ran is not known";

/// Faulty responses, and the errors that are expected for them.
pub(crate) fn faults() -> Vec<(&'static str, String, ExpectedError)> {
    let not_a_sidecar = ("unreachable", false, "not a sidecar");
    let problem = r#"{"type":"urn:cofferdam:quota","title":"t","status":429,"detail":"all used up","code":"quota","retryable":true}"#;
    let problem_headers = "content-type: application/problem+json\r\ncofferdam-version: 0.1.0\r\n";
    let other_version = "content-type: application/json\r\ncofferdam-version: 7.3.1\r\n";
    let whole = response(200, JSON, OUTCOME);
    let cut = whole[..whole.len() - 20].to_owned();
    let chunked = |chunk: &str| format!("HTTP/1.1 200 X\r\n{JSON}transfer-encoding: chunked\r\n\r\n{chunk}");
    let lengths = |headers: &str| format!("HTTP/1.1 200 X\r\n{JSON}{headers}\r\n{OUTCOME}");
    let (many, long) = ("x: y\r\n".repeat(10_000), format!("x: {}\r\n", "y".repeat(1 << 20)));
    let nested = "[".repeat(100_000);
    let numbers = OUTCOME.replace("\"length\":3", "\"length\":-3e999");
    let steering = problem.replace("all used up", "\\u001b[2J\\nall used up");
    vec![
        ("a problem", response(429, problem_headers, problem), ("quota", true, "all used up")),
        ("HTML", response(200, HTML, "<html>"), not_a_sidecar),
        ("no such page", response(404, HTML, "<html>"), not_a_sidecar),
        ("no content type", response(200, "", OUTCOME), not_a_sidecar),
        ("no JSON", response(200, JSON, "<html>"), not_a_sidecar),
        ("no outcome", response(200, JSON, r#"{"id":1}"#), not_a_sidecar),
        ("a redirection", response(301, "location: /elsewhere\r\n", ""), ("unreachable", false, "redirects")),
        ("no token", response(401, HTML, ""), ("unauthorised", false, "COFFERDAM_TOKEN")),
        ("a wrong token", response(403, HTML, ""), ("unauthorised", false, "COFFERDAM_TOKEN")),
        ("a small proxy", response(413, HTML, ""), ("too-large", false, "larger")),
        ("a busy proxy", response(429, HTML, ""), ("overloaded", true, "try again")),
        ("a failure", response(500, HTML, "<html>"), ("unreachable", false, UNKNOWN)),
        ("a broken problem", response(503, problem_headers, "{"), ("unreachable", false, UNKNOWN)),
        (
            "another version",
            response(200, other_version, OUTCOME),
            ("internal", false, "speaks version 7.3.1 and"),
        ),
        ("nothing", String::new(), ("unreachable", false, UNKNOWN)),
        ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n".into(), ("unreachable", false, UNKNOWN)),
        ("half a head", "HTTP/1.1 200 X\r\ncontent-".into(), ("unreachable", false, UNKNOWN)),
        ("half a body", cut, ("unreachable", false, UNKNOWN)),
        ("half a chunked body", chunked("5\r\n{\"id\"\r\n"), ("unreachable", false, UNKNOWN)),
        ("an invalid chunk length", chunked("no\r\n"), ("unreachable", false, UNKNOWN)),
        ("a chunk length out of range", chunked("fffffffffffffffff\r\n"), ("unreachable", false, UNKNOWN)),
        ("an invalid length", lengths("content-length: -1\r\n"), ("unreachable", false, UNKNOWN)),
        (
            "two lengths",
            lengths("content-length: 5\r\ncontent-length: 7\r\n"),
            ("unreachable", false, UNKNOWN),
        ),
        ("a length that is too small", lengths("content-length: 20\r\n"), ("unreachable", false, UNKNOWN)),
        ("too many headers", lengths(&many), ("unreachable", false, UNKNOWN)),
        ("a very long header", lengths(&long), ("unreachable", false, UNKNOWN)),
        ("deeply nested JSON", response(200, JSON, &nested), not_a_sidecar),
        ("numbers out of range", response(200, JSON, &numbers), not_a_sidecar),
        (
            "a message with terminal escapes",
            response(429, problem_headers, &steering),
            ("quota", true, "\u{fffd}[2J\u{fffd}all"),
        ),
    ]
}

/// Calls the component through the wasmtime CLI.
fn cli(url: &str, token: &str) -> Output {
    let mut command = command("wasmtime", url);
    command.args(["run", "-S", "http", "--env", &format!("COFFERDAM_URL={url}")]);
    command.args(["--env", &format!("COFFERDAM_TOKEN={token}"), "--invoke"]);
    command.arg("execute({code: \"print(6*7)\", limits: {wall-time-ms: 1, startup-time-ms: 1}})");
    command.arg("target/components/code-executor-http.wasm").output().expect("wasmtime")
}

fn assert_cli(what: &str, output: &Output, (code, retryable, part): ExpectedError) {
    let printed = stdout(output);
    assert!(output.status.success(), "{what}: {}", stderr(output));
    for part in [&*format!("err({{code: {code}, "), part, &*format!("retryable: {retryable}}})")] {
        assert!(printed.contains(part), "{what}: {printed} lacks {part}");
    }
}

fn node(module: &str, url: &str) -> Command {
    let mut command = command("node", url);
    command.arg("tests/hosts/call.mjs").arg(root().join("examples/hosts/node/out").join(module));
    command
}

fn assert_node(what: &str, output: &Output, expected: ExpectedError) {
    assert!(output.status.success(), "{what}: {}", stderr(output));
    assert_error(what, &serde_json::from_slice(&output.stdout).expect("JSON"), expected);
}

/// Asserts the fields of an error of the contract.
pub(crate) fn assert_error(what: &str, error: &serde_json::Value, (code, retryable, part): ExpectedError) {
    assert_eq!(
        (error["code"].as_str(), error["retryable"].as_bool()),
        (Some(code), Some(retryable)),
        "{what}: {error}"
    );
    assert!(error["message"].as_str().is_some_and(|message| message.contains(part)), "{what}: {error}");
}

#[test]
fn the_wasmtime_cli_reports_each_fault_of_a_sidecar() {
    for (what, response, expected) in faults() {
        let sidecar = ScriptedServer::responding(response);
        assert_cli(what, &cli(&sidecar.url(), ""), expected);
        // A program is sent only once.
        assert_eq!(sidecar.requests().len(), 1, "{what}");
    }
}

#[test]
fn node_reports_each_fault_of_a_sidecar() {
    transpile("examples/hosts/node/out/faults", &[]);
    for (what, response, expected) in faults() {
        let sidecar = ScriptedServer::responding(response);
        let output = node("faults/code-executor-http.js", &sidecar.url()).output().expect("node");
        assert_node(what, &output, expected);
        assert_eq!(sidecar.requests().len(), 1, "{what}");
    }
}

#[test]
fn a_refused_connection_is_retryable() {
    assert_cli("no server", &cli(&closed_url(), ""), ("unreachable", true, "no connection"));
}

#[test]
fn invalid_settings_are_named_without_their_values() {
    let sidecar = ScriptedServer::responding(response(200, JSON, OUTCOME));
    for (url, token, expected) in [
        ("", "", ("unreachable", false, "COFFERDAM_URL does not begin with http")),
        ("secret.example:8787", "", ("unreachable", false, "COFFERDAM_URL does not begin with http")),
        ("http://user:secret@127.0.0.1", "", ("unreachable", false, "COFFERDAM_URL has a user name")),
        (&sidecar.url(), "secret\r\nx: y", ("unauthorised", false, "COFFERDAM_TOKEN has characters")),
        (&sidecar.url().replace("http", "https"), "", ("unreachable", false, "secure connection")),
    ] {
        let output = cli(url, token);
        assert_cli(url, &output, expected);
        assert!(
            !stdout(&output).contains("secret") && !stdout(&output).contains("127.0.0.1:1"),
            "{}",
            stdout(&output)
        );
    }
    assert_eq!(sidecar.requests().len(), 0);
}

#[test]
fn a_request_has_the_token_the_version_and_the_path_prefix() {
    let sidecar = ScriptedServer::responding(response(200, JSON, OUTCOME));
    let output = cli(&(sidecar.url() + "/behind/a/proxy/"), "t0ken");
    assert!(stdout(&output).contains(r#"ok({id: "run-1""#), "{}", stdout(&output));
    let [request] = sidecar.requests().try_into().expect("one request");
    let head = request.head.to_ascii_lowercase();
    for part in [
        "post /behind/a/proxy/v1/executions http/1.1\r\n",
        "\r\nauthorization: bearer t0ken\r\n",
        "\r\ncofferdam-version: 0.1.0\r\n",
        "\r\ncontent-type: application/json\r\n",
    ] {
        assert!(head.contains(part), "{head} lacks {part}");
    }
    assert!(!head.contains("idempotency-key"), "{head}");
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["code"], "print(6*7)");
}

/// A component whose clock runs a thousand times faster, so that a minute passes quickly.
pub(crate) static FAST_CLOCK: LazyLock<&str> = LazyLock::new(|| {
    transpile(
        "examples/hosts/node/out/fast",
        &["--map", "wasi:clocks/*=../../../../../tests/hosts/fast-clocks.mjs#*"],
    );
    "fast/code-executor-http.js"
});

#[test]
fn a_silent_sidecar_times_out() {
    let sidecar = ScriptedServer::new(|stream| {
        // Until the component closes the connection.
        let _ = std::io::copy(stream, &mut std::io::sink());
    });
    let output = node(*FAST_CLOCK, &sidecar.url()).output().expect("node");
    assert_node("silence", &output, ("unreachable", false, "in full, within 60 s"));
}

#[test]
fn a_sidecar_with_an_endless_response_times_out() {
    let sidecar = ScriptedServer::new(|stream| {
        let head = format!("HTTP/1.1 200 X\r\n{JSON}transfer-encoding: chunked\r\n\r\n");
        let mut sent = stream.write_all(head.as_bytes());
        // Until the component closes the connection.
        while sent.is_ok() {
            sent = stream.write_all(b"1\r\n \r\n");
        }
    });
    let output = node(*FAST_CLOCK, &sidecar.url()).output().expect("node");
    assert_node("a drip", &output, ("unreachable", false, "in full, within 60 s"));
}

#[test]
fn an_oversized_response_is_not_buffered() {
    let sidecar = ScriptedServer::new(|stream| {
        let head = format!("HTTP/1.1 200 X\r\n{JSON}connection: close\r\n\r\n");
        let spaces = [b' '; 64 << 10];
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(&spaces);
        }
    });
    let mut command = command("wasmtime", "");
    command.args(["run", "-S", "http", "--env", &format!("COFFERDAM_URL={}", sidecar.url()), "--invoke"]);
    command.arg("execute({code: \"print(6*7)\", limits: {output-bytes: 1, collected-bytes: 1}})");
    let output = command.arg("target/components/code-executor-http.wasm").output().expect("wasmtime");
    assert_cli("too much", &output, ("internal", false, "more than 16777222 bytes"));
}

#[test]
fn a_response_sent_before_the_request_is_read_is_received() {
    let sidecar =
        ScriptedServer::responding_early(response(413, HTML, "").replace("connection: close\r\n", ""));
    // More than the socket buffers and a command-line argument can hold.
    let program = "import runpy, sys\nsys.argv[1:] = ['target/components/code-executor-http.wasm', '\\1' * (1 << 20)]\n\
                   runpy.run_path('examples/hosts/python/composed.py', run_name='__main__')";
    let output = command("python", &sidecar.url()).args(["-c", program]).output().expect("Python");
    assert!(stderr(&output).contains("too-large: the request is larger"), "{}", stderr(&output));
}

#[test]
fn the_refusal_of_a_large_request_is_received() {
    let dir = TestDir::new();
    dir.write("token", "sixteen-or-more-characters");
    fs::set_permissions(dir.path().join("token"), fs::Permissions::from_mode(0o600)).expect("a file");
    let sidecar = Sidecar::start(&dir, &["--token-file", "token"], &[]);
    let output =
        command("python", &format!("http://{}", sidecar.address)).arg("tests/hosts/refused.py").output();
    let output = output.expect("Python");
    assert_eq!(stdout(&output), "unauthorised\n".repeat(20), "{}", stderr(&output));
}
