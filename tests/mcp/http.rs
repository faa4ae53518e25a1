//! MCP over HTTP: access, sessions and limits.

use cofferdam_tests::{
    program::TestDir,
    sidecar::{HttpClient, HttpResponse, Sidecar},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
};

const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");

pub(crate) async fn post(client: &HttpClient, message: &Value, headers: &[(&str, &str)]) -> HttpResponse {
    let headers: Vec<_> = [JSON, ACCEPT].into_iter().chain(headers.iter().copied()).collect();
    client.send("POST", "/mcp", &headers, message.to_string()).await
}

fn initialize() -> Value {
    let client_info = json!({ "name": "test", "version": "0" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client_info });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })
}

/// Starts a session and returns its id.
pub(crate) async fn session(client: &HttpClient) -> String {
    let response = post(client, &initialize(), &[]).await;
    assert_eq!(response.status, 200, "{}", response.text);
    let session = response.headers["mcp-session-id"].to_str().expect("a session").to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(client, &initialized, &[("mcp-session-id", &session)]).await.status, 202);
    session
}

#[tokio::test]
async fn foreign_origins_and_hosts_are_refused() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.tcp_client();
    for (header, status) in
        [(("origin", "http://127.0.0.1"), 403), (("origin", "null"), 403), (("host", "evil.example"), 421)]
    {
        assert_eq!(post(&client, &initialize(), &[header]).await.status, status, "{header:?}");
    }
    assert_eq!(post(&client, &initialize(), &[]).await.status, 200);
    // The server has no event stream for GET.
    let response = client.send("GET", "/mcp", &[ACCEPT], "").await;
    assert_eq!(response.status, 405, "{}", response.text);
}

#[tokio::test]
async fn a_session_belongs_to_its_tenant() {
    let dir = TestDir::new();
    let [one, other] = ["0123456789abcdef-one", "0123456789abcdef-other"];
    dir.write("tokens", format!("one {one}\nother {other}\n"));
    fs::set_permissions(dir.path().join("tokens"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let sidecar = Sidecar::start(&dir, &["--token-file", "tokens"], &[]);
    let (one, other) = (sidecar.tcp_client().with_token(one), sidecar.tcp_client().with_token(other));
    assert_eq!(post(&sidecar.tcp_client(), &initialize(), &[]).await.status, 401);
    let session = session(&one).await;
    let header = [("mcp-session-id", session.as_str())];
    assert_eq!(post(&other, &list(), &header).await.status, 404);
    other.send("DELETE", "/mcp", &header, "").await;
    let response = post(&one, &list(), &header).await;
    assert!(response.status == 200 && response.text.contains("execute_code"), "{}", response.text);
    one.send("DELETE", "/mcp", &header, "").await;
    assert_eq!(post(&one, &list(), &header).await.status, 404);
}

#[tokio::test]
async fn large_bodies_and_too_many_sessions_are_refused() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_SERVE__BODY_LIMIT", "100k"), ("COFFERDAM_MCP__MAX_SESSIONS", "2")];
    let sidecar = Sidecar::start(&dir, &[], &settings);
    let client = sidecar.client();
    let mut large = list();
    large["params"] = json!({ "cursor": "x".repeat(100_000) });
    assert_eq!(post(&client, &large, &[]).await.status, 413);
    for _ in 0..2 {
        session(&client).await;
    }
    let response = post(&client, &initialize(), &[]).await;
    assert_eq!(
        (response.status, response.json["code"].as_str()),
        (429, Some("overloaded")),
        "{}",
        response.text
    );
}

#[tokio::test]
async fn escaped_method_names_do_not_bypass_the_session_limit() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[("COFFERDAM_MCP__MAX_SESSIONS", "2")]);
    let client = sidecar.client();
    // The MCP library ignores a header that is not text.
    let (mut stream, body) =
        (TcpStream::connect(&sidecar.address).expect("a connection"), initialize().to_string());
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\nMcp-Session-Id: ",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), b"\xff\r\n\r\n", body.as_bytes()].concat()).expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(
        response.starts_with("HTTP/1.1 400") && response.contains("the header mcp-session-id"),
        "{response}"
    );
    let spelt = |method: &str| initialize().to_string().replace("\"initialize\"", &format!("\"{method}\""));
    let mut statuses = Vec::new();
    for method in ["initi\\u0061lize", "\\u0069nitialize", "initialize", "initi\\u0061lize"] {
        statuses.push(client.send("POST", "/mcp", &[JSON, ACCEPT], spelt(method)).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}

#[tokio::test]
async fn an_idle_session_is_closed_for_a_new_one() {
    let dir = TestDir::new();
    let settings = [("COFFERDAM_MCP__MAX_SESSIONS", "1"), ("COFFERDAM_MCP__SESSION_SECONDS", "0.2")];
    let sidecar = Sidecar::start(&dir, &[], &settings);
    let client = sidecar.client();
    let first = session(&client).await;
    while post(&client, &initialize(), &[]).await.status == 429 {}
    let response = post(&client, &list(), &[("mcp-session-id", &first)]).await;
    assert_eq!(response.status, 404, "{}", response.text);
}

#[tokio::test]
async fn invalid_messages_get_json_rpc_error_codes() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let client = sidecar.client();
    let call = |arguments: Value| {
        let params = json!({ "name": "execute_code", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }).to_string()
    };
    for (message, status, code, id, part) in [
        ("nonsense".into(), 400, -32700, Value::Null, "is not JSON"),
        (format!("[{}]", list()), 400, -32600, Value::Null, "each message of a batch separately"),
        (call(json!("{\"code\": \"1\"}")), 200, -32602, json!(7), "the arguments of tools/call are a string"),
        (call(json!([{ "code": "1" }])), 200, -32602, json!(7), "the arguments of tools/call are an array"),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[]}"#.into(),
            200,
            -32602,
            json!(7),
            "params is an array",
        ),
        (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#.into(), 400, -32600, json!(7), "of JSON-RPC 2.0"),
        (r#"{"jsonrpc":"2.0","id":7}"#.into(), 400, -32600, json!(7), "of JSON-RPC 2.0"),
        (r#"{"jsonrpc":"2.0","id":7,"method":5}"#.into(), 400, -32600, json!(7), "of JSON-RPC 2.0"),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#.into(), 400, -32600, json!(1.5), "of JSON-RPC 2.0"),
        (
            r#"{"jsonrpc":"2.0","id":1e29,"method":"ping"}"#.into(),
            400,
            -32600,
            json!(1e29),
            "of JSON-RPC 2.0",
        ),
    ] {
        let response = client.send("POST", "/mcp", &[JSON, ACCEPT], message.clone()).await;
        let shown = format!("{message}: {} {}", response.status, response.text);
        assert_eq!(
            (response.status, &response.json["error"]["code"], &response.json["id"]),
            (status, &json!(code), &id),
            "{shown}"
        );
        assert!(
            response.json["error"]["message"].as_str().is_some_and(|text| text.contains(part)),
            "{shown}"
        );
    }
    for notification in [
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":[1]}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"execute_code","arguments":[1]}}"#,
    ] {
        let response = client.send("POST", "/mcp", &[JSON, ACCEPT], notification.to_string()).await;
        assert_eq!((response.status, &*response.text), (202, ""), "{notification}");
    }
    for (accept, status) in
        [("*/*", 200), ("application/json", 406), ("application/json, text/event-stream;q=0", 406)]
    {
        let response =
            client.send("POST", "/mcp", &[JSON, ("accept", accept)], initialize().to_string()).await;
        assert_eq!(response.status, status, "{accept}: {}", response.text);
    }
    let long = "x".repeat(2000);
    let headers = [JSON, ACCEPT, ("mcp-name", &*long)];
    let response = client.send("POST", "/mcp", &headers, list().to_string()).await;
    assert_eq!(
        (response.status, &response.json["code"]),
        (400, &json!("invalid-request")),
        "{}",
        response.text
    );
}
