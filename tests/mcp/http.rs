//! What is HTTP's own: who is let in, whose a session is, and the bounds.

use cofferdam_tests::{
    program::Place,
    sidecar::{Answer, Caller, Sidecar},
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");

async fn post(caller: &Caller, message: &Value, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = [JSON, ACCEPT].into_iter().chain(headers.iter().copied()).collect();
    caller.send("POST", "/mcp", &headers, message.to_string()).await
}

fn initialize() -> Value {
    let client = json!({ "name": "test", "version": "0" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })
}

/// A session of this caller's.
async fn session(caller: &Caller) -> String {
    let answer = post(caller, &initialize(), &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let session = answer.headers["mcp-session-id"].to_str().expect("a session").to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(caller, &initialized, &[("mcp-session-id", &session)]).await.status, 202);
    session
}

#[tokio::test]
async fn web_pages_and_other_hosts_are_refused() {
    let place = Place::new();
    let sidecar = Sidecar::start(&place, &[], &[]);
    let caller = sidecar.tcp_caller();
    for (header, status) in
        [(("origin", "http://127.0.0.1"), 403), (("origin", "null"), 403), (("host", "evil.example"), 421)]
    {
        assert_eq!(post(&caller, &initialize(), &[header]).await.status, status, "{header:?}");
    }
    assert_eq!(post(&caller, &initialize(), &[]).await.status, 200);
    // A client is told that there is nothing to listen to, and how it may go on.
    let answer = caller.send("GET", "/mcp", &[ACCEPT], "").await;
    assert_eq!(answer.status, 405, "{}", answer.text);
}

#[tokio::test]
async fn a_session_is_its_tenants() {
    let place = Place::new();
    let [one, other] = ["0123456789abcdef-one", "0123456789abcdef-other"];
    place.write("tokens", format!("one {one}\nother {other}\n"));
    fs::set_permissions(place.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let sidecar = Sidecar::start(&place, &["--token-file", "tokens"], &[]);
    let (one, other) = (sidecar.tcp_caller().with_token(one), sidecar.tcp_caller().with_token(other));
    assert_eq!(post(&sidecar.tcp_caller(), &initialize(), &[]).await.status, 401);
    let session = session(&one).await;
    let header = [("mcp-session-id", session.as_str())];
    assert_eq!(post(&other, &list(), &header).await.status, 404);
    other.send("DELETE", "/mcp", &header, "").await;
    let answer = post(&one, &list(), &header).await;
    assert!(answer.status == 200 && answer.text.contains("execute_code"), "{}", answer.text);
    one.send("DELETE", "/mcp", &header, "").await;
    assert_eq!(post(&one, &list(), &header).await.status, 404);
}

#[tokio::test]
async fn what_is_too_large_or_too_many_is_refused() {
    let place = Place::new();
    let settings = [("COFFERDAM_SERVE__BODY_LIMIT", "100k"), ("COFFERDAM_SERVE__MAX_CONNECTIONS", "2")];
    let sidecar = Sidecar::start(&place, &[], &settings);
    let caller = sidecar.caller();
    let mut large = list();
    large["params"] = json!({ "cursor": "x".repeat(100_000) });
    assert_eq!(post(&caller, &large, &[]).await.status, 413);
    for _ in 0..2 {
        session(&caller).await;
    }
    let answer = post(&caller, &initialize(), &[]).await;
    assert_eq!((answer.status, answer.json["code"].as_str()), (429, Some("overloaded")), "{}", answer.text);
}
