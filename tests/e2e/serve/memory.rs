//! The memory of requests and outcomes is limited, per request and per tenant.

use super::DETACHED;
use cofferdam_tests::{
    cgroup::MemoryCgroup,
    program::TestDir,
    sidecar::{HttpResponse, Sidecar},
};
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
};

const EXECUTIONS: &str = "/v1/executions";
const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");
/// The size of a hostile body in bytes, and how many times that size the sidecar may use for it.
const BODY_SIZE: usize = 12 << 20;
const MAX_FACTOR: u64 = 4;

/// Resets the peak memory of a process to its current memory.
fn reset_peak(process: u32) {
    fs::write(format!("/proc/{process}/clear_refs"), "5").expect("a process of ours");
}

/// The peak memory of a process since the last reset, in bytes.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    1024 * line.trim_end_matches("kB").trim().parse::<u64>().expect("a number")
}

/// A hostile body that repeats `unit` between `begin` and `end`.
fn body(begin: &str, unit: &str, end: &str) -> String {
    let units = (BODY_SIZE - begin.len() - end.len()) / unit.len();
    format!("{begin}{}{end}", unit.repeat(units))
}

#[tokio::test(flavor = "multi_thread")]
async fn parsing_a_body_takes_at_most_a_few_times_its_size() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let call = |begin: &str, unit: &str, end: &str| {
        let head =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_code","arguments":{"#;
        body(&format!("{head}{begin}"), unit, &format!("{end}}}}}}}"))
    };
    let list = |begin: &str, unit: &str, end: &str| {
        body(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list",{begin}"#), unit, &format!("{end}}}"))
    };
    for (path, what, body) in [
        (EXECUTIONS, "many empty arguments", body(r#"{"code":"1","args":[""#, r#"",""#, r#""]}"#)),
        (
            EXECUTIONS,
            "many files",
            body(r#"{"code":"1","files":[{"path":"","content":""}"#, r#",{"path":"","content":""}"#, "]}"),
        ),
        (
            EXECUTIONS,
            "a long text instead of a number",
            body(r#"{"limits":{"processes":""#, "\u{80}", r#""}}"#),
        ),
        (EXECUTIONS, "many arrays", body(r#"{"code":["#, "[],", "[]]}")),
        (
            EXECUTIONS,
            "base64 with a line break",
            body(r#"{"code":"1","stdin":{"base64":"\n"#, "AAAA", r#""}}"#),
        ),
        (
            "/mcp",
            "base64 with a line break",
            call(r#""code":"1","files":[{"path":"a","content_base64":"\n"#, "AAAA", r#""}]"#),
        ),
        ("/mcp", "a long name of a member", list("\"\\n", "x", "\":0")),
        ("/mcp", "code of many numbers", call(r#""code":["#, "0,", "0]")),
        ("/mcp", "many empty arguments", call(r#""code":"1","args":[""#, r#"",""#, r#""]"#)),
        ("/mcp", "many arguments that are none", call(r#""":0"#, r#","":0"#, "")),
        (
            "/mcp",
            "arguments of an array",
            body(r#"{"method":"tools/call","id":1,"params":{"arguments":["#, "{},", "0]}}"),
        ),
        ("/mcp", "params of many numbers", list(r#""params":{"_meta":["#, "0,", "0]}")),
        ("/mcp", "many members", list(r#""":0"#, r#","":0"#, "")),
        ("/mcp", "a batch of many", body("[", "{},", "{}]")),
        ("/mcp", "a long cursor", list(r#""params":{"cursor":""#, "\\n", r#""}"#)),
    ] {
        reset_peak(sidecar.pid());
        let before = peak(sidecar.pid());
        let size = body.len() as u64;
        let response = sidecar.client().send("POST", path, &[JSON, ACCEPT], body).await;
        let grown = peak(sidecar.pid()).saturating_sub(before) / size;
        let shown = format!("{path} {what}: {} {:.300}", response.status, response.text);
        assert!(is_refusal(&response), "{shown}");
        assert!(grown <= MAX_FACTOR, "{shown} took {grown} times the {size} bytes of the body");
    }
    assert_eq!(sidecar.client().run(&json!({ "code": "print(1)" }), &[]).await.status, 200);
}

/// Whether a response is a problem, a JSON-RPC error or an error of the tool.
fn is_refusal(response: &HttpResponse) -> bool {
    let event = response.text.lines().find_map(|line| line.strip_prefix("data:")).unwrap_or(&response.text);
    let json: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
    (400..500).contains(&response.status) || json["error"].is_object() || json["result"]["isError"] == true
}

/// Sends the head of a request without its body, and returns the start of the status line. 100 means that the
/// body is being read.
fn send_head(sidecar: &Sidecar, path: &str, token: &str, length: u64) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(&sidecar.address).expect("a connection");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("a head");
    let mut status = [0; "HTTP/1.1 100".len()];
    stream.read_exact(&mut status).expect("a response");
    (stream, String::from_utf8_lossy(&status).into_owned())
}

/// Both executions print 64 MiB to each stream, which JSON doubles.
#[tokio::test(flavor = "multi_thread")]
async fn executions_wait_for_output_memory() {
    let dir = TestDir::new();
    let cgroup = MemoryCgroup::new(512 << 20).ok();
    let settings = [("COFFERDAM_SERVE__MAX_RUNS", "2"), ("COFFERDAM_SERVE__OUTPUT_MEMORY", "384Mi")];
    let sidecar = Sidecar::start_in_cgroup(cgroup.as_ref(), &dir, &[], &settings);
    let code =
        "import sys\nfor f in (sys.stdout, sys.stderr):\n for _ in range(64): f.write(chr(34) * (1 << 20))";
    let request = json!({ "code": code, "limits": { "output_bytes": 64 << 20 } });
    let mut paths = Vec::new();
    for _ in 0..2 {
        let accepted = sidecar.client().run(&request, &[DETACHED]).await;
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        paths.push(accepted.headers["location"].to_str().expect("a path").to_owned());
    }
    for path in paths {
        // An outcome over the limit of kept outcomes is evicted immediately.
        let mut status = 200;
        while status == 200 {
            let response = sidecar.client().open("GET", &path, &[("prefer", "wait=1")], "").await;
            status = response.status();
            let text = if status == 200 { response.read().await.text } else { String::new() };
            assert!(!text.contains("failed"), "{text:.300}");
            if text.contains(r#""outcome""#) {
                break;
            }
        }
        assert!([200, 410].contains(&status), "{status}");
    }
    assert!(peak(sidecar.pid()) < 512 << 20);
    assert_eq!(cgroup.map_or(0, |cgroup| cgroup.kills()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_memory_of_a_tenant_is_limited() {
    let dir = TestDir::new();
    let [one, two] = ["one-one-one-one-one", "two-two-two-two-two"];
    dir.write("tokens", format!("one {one}\ntwo {two}\n"));
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a file");
    let sidecar = Sidecar::start(&dir, &["--token-file", "tokens"], &[]);
    // A tenant may use half of 128 MiB, and a body has at most 32 MiB.
    let mut held: Vec<_> = (0..2).map(|_| send_head(&sidecar, EXECUTIONS, one, 32 << 20)).collect();
    assert!(held.iter().all(|(_, status)| status.ends_with("100")), "{held:?}");
    for path in [EXECUTIONS, "/mcp"] {
        let (mut refused, status) = send_head(&sidecar, path, one, 1 << 20);
        let mut problem = String::new();
        refused.read_to_string(&mut problem).expect("a response");
        assert!(
            status.ends_with("429") && problem.contains("serve.body_memory"),
            "{path}: {status}{problem}"
        );
        assert!(problem.contains("retry-after") && problem.contains("overloaded"), "{problem}");
    }
    let request = json!({ "code": "import sys\nprint(len(sys.stdin.read()))", "stdin": "x".repeat(4 << 20) });
    let response = sidecar.tcp_client().with_token(two).run(&request, &[]).await;
    assert_eq!(
        (response.status, &response.json["stdout"]["content"]),
        (200, &json!("4194304\n")),
        "{}",
        response.text
    );
    // Closing a connection frees its memory.
    held.clear();
    while send_head(&sidecar, EXECUTIONS, one, 32 << 20).1.ends_with("429") {
        tokio::task::yield_now().await;
    }
}
