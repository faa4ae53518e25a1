//! An empty program succeeds through each interface.

use cofferdam_tests::{
    program::{TestDir, stderr, stdout},
    sidecar::{HttpClient, Sidecar},
};
use serde_json::{Value, json};

async fn send_mcp(
    client: &HttpClient,
    session: Option<&str>,
    message: Value,
) -> cofferdam_tests::sidecar::HttpResponse {
    let mut headers =
        vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    headers.extend(session.map(|session| ("mcp-session-id", session)));
    client.send("POST", "/mcp", &headers, message.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_program_succeeds_over_http() {
    let dir = TestDir::new();
    let pool = [("COFFERDAM_POOL__MAXIMUM", "1"), ("COFFERDAM_POOL__MINIMUM", "1")];
    let mut sidecar = Sidecar::start(&dir, &[], &pool);
    assert_eq!(sidecar.client().send("GET", "/readyz", &[], "").await.status, 200);
    sidecar.wait_for("a sandbox waits");
    for (language, is_warm) in [("python", true), ("bash", false)] {
        let response = sidecar.client().run(&json!({ "code": "", "language": language }), &[]).await;
        assert_eq!(
            (response.status, &response.json["status"]),
            (200, &json!({ "exited": 0 })),
            "{}",
            response.text
        );
        assert_eq!(response.json["warm"], is_warm, "{}", response.text);
        for stream in ["stdout", "stderr"] {
            assert_eq!(response.json[stream], json!({ "content": "", "length": 0 }), "{}", response.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_program_succeeds_over_mcp() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let client_info = json!({ "name": "test", "version": "0" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client_info });
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let response = send_mcp(&client, None, initialize).await;
    let session = response.headers["mcp-session-id"].to_str().expect("a session");
    send_mcp(&client, Some(session), json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
        .await;
    let params = json!({ "name": "execute_code", "arguments": { "code": "" } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let response = send_mcp(&client, Some(session), call).await;
    assert!(
        response.text.contains(r#""exit_code":0"#) && response.text.contains(r#""isError":false"#),
        "{}",
        response.text
    );
}

#[test]
fn an_empty_program_succeeds_on_the_command_line() {
    let dir = TestDir::new();
    for name in ["empty.py", "empty.sh"] {
        dir.write(name, "");
        let output = dir.run(["run", name]);
        assert_eq!(
            (output.status.code(), stdout(&output), stderr(&output)),
            (Some(0), String::new(), String::new())
        );
    }
    let output = dir.run_with_stdin(["run", "-"], b"");
    assert_eq!(
        (output.status.code(), stdout(&output), stderr(&output)),
        (Some(0), String::new(), String::new())
    );
}
