//! An empty program succeeds through each interface.

use cofferdam_tests::{
    program::{Place, stderr, stdout},
    sidecar::{Caller, Sidecar},
};
use serde_json::{Value, json};

async fn send_mcp(caller: &Caller, session: Option<&str>, message: Value) -> cofferdam_tests::sidecar::Answer {
    let mut headers = vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    headers.extend(session.map(|session| ("mcp-session-id", session)));
    caller.send("POST", "/mcp", &headers, message.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_program_succeeds_over_http() {
    let place = Place::new();
    let pool = [("COFFERDAM_POOL__MAXIMUM", "1"), ("COFFERDAM_POOL__MINIMUM", "1")];
    let mut sidecar = Sidecar::start(&place, &[], &pool);
    assert_eq!(sidecar.caller().send("GET", "/readyz", &[], "").await.status, 200);
    sidecar.wait_for("a sandbox waits");
    for (language, is_warm) in [("python", true), ("bash", false)] {
        let answer = sidecar.caller().run(&json!({ "code": "", "language": language }), &[]).await;
        assert_eq!((answer.status, &answer.json["status"]), (200, &json!({ "exited": 0 })), "{}", answer.text);
        assert_eq!(answer.json["warm"], is_warm, "{}", answer.text);
        for stream in ["stdout", "stderr"] {
            assert_eq!(answer.json[stream], json!({ "content": "", "length": 0 }), "{}", answer.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_program_succeeds_over_mcp() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.caller();
    let client_info = json!({ "name": "test", "version": "0" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client_info });
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let answer = send_mcp(&caller, None, initialize).await;
    let session = answer.headers["mcp-session-id"].to_str().expect("a session");
    send_mcp(&caller, Some(session), json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let params = json!({ "name": "execute_code", "arguments": { "code": "" } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let answer = send_mcp(&caller, Some(session), call).await;
    assert!(answer.text.contains(r#""exit_code":0"#) && answer.text.contains(r#""isError":false"#), "{}", answer.text);
}

#[test]
fn an_empty_program_succeeds_on_the_command_line() {
    let place = Place::new();
    for name in ["empty.py", "empty.sh"] {
        place.write(name, "");
        let output = place.run(["run", name]);
        assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), String::new()));
    }
    let output = place.run_with_stdin(["run", "-"], b"");
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), String::new()));
}
