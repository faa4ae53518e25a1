//! The tools for sessions over MCP.

use super::*;
use cofferdam_http_api::session::{SessionEvent, SessionExecution};
use cofferdam_types::Status;
use serde_json::{Value, json};

/// A client of the protocol.
struct Mcp<'a> {
    sidecar: &'a Sidecar,
    tenant: &'static str,
    /// The header with its session of the protocol.
    header: String,
}

impl<'a> Mcp<'a> {
    async fn connect(sidecar: &'a Sidecar, tenant: &'static str) -> Self {
        let mut client = Self { sidecar, tenant, header: "X-None: 1".into() };
        let info = json!({ "name": "test", "version": "0" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info });
        let request = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let (head, _) = finish(client.begin(&request).await).await;
        let id = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).expect("a session");
        client.header = format!("Mcp-Session-Id: {id}");
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        finish(client.begin(&initialized).await).await;
        client
    }

    async fn begin(&self, message: &Value) -> TcpStream {
        let headers =
            ["Content-Type: application/json", "Accept: application/json, text/event-stream", &self.header];
        self.sidecar.begin_as(self.tenant, "POST", "/mcp", &headers, &message.to_string()).await
    }

    /// Begins a call with the id 7.
    async fn begin_call(&self, tool: &str, arguments: Value) -> TcpStream {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": "t" } });
        self.begin(&json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params })).await
    }

    /// The messages of a call.
    async fn messages(&self, tool: &str, arguments: Value) -> Vec<Value> {
        let (_, body) = finish(self.begin_call(tool, arguments).await).await;
        let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.messages(tool, arguments).await.pop().expect("a response")["result"].take()
    }

    /// The structured result of a call that succeeds.
    async fn succeed(&self, tool: &str, arguments: Value) -> Value {
        let mut result = self.call(tool, arguments).await;
        assert_eq!(result["isError"], false, "{result}");
        result["structuredContent"].take()
    }

    /// The code and the text of a call that fails.
    async fn fail(&self, tool: &str, arguments: Value) -> (String, String) {
        let result = self.call(tool, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        let code = result["structuredContent"]["code"].as_str().expect("a code").into();
        (code, text(&result).into())
    }

    async fn open(&self) -> String {
        id(&self.succeed("open_session", json!({})).await)
    }
}

/// Reads a response to its end: the head, and the body without its division into chunks.
async fn finish(mut stream: TcpStream) -> (String, String) {
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.expect("a response");
    let response = String::from_utf8(response).expect("text");
    let (head, mut rest) = response.split_once("\r\n\r\n").expect("a head");
    let head = head.to_ascii_lowercase();
    if !head.contains("transfer-encoding: chunked") {
        return (head, rest.into());
    }
    let mut body = String::new();
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        body += &chunk[..size];
        rest = &chunk[size + 2..];
    }
    (head, body)
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("a text")
}

fn id(structured: &Value) -> String {
    structured["id"].as_str().expect("an id").into()
}

#[tokio::test]
async fn the_tools_are_there_if_there_are_sessions() {
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let sidecar = Sidecar::start();
    let (_, listed) = finish(Mcp::connect(&sidecar, "ada").await.begin(&list).await).await;
    let names = ["execute_code", "open_session", "run_command", "read_output"];
    for name in names.into_iter().chain(["write_file", "read_file", "list_files", "close_session"]) {
        assert!(listed.contains(&format!(r#""name":"{name}""#)), "{name}: {listed}");
    }
    let without = Sidecar::without_sessions();
    let client = Mcp::connect(&without, "ada").await;
    let (_, listed) = finish(client.begin(&list).await).await;
    assert!(listed.contains("execute_code") && !listed.contains("session"), "{listed}");
    let refused = client.messages("open_session", json!({})).await.pop().expect("a response");
    let message = refused["error"]["message"].as_str().expect("a message");
    assert_eq!(message, "unknown tool `open_session`; there is execute_code");
}

#[tokio::test]
async fn a_session_is_opened_found_by_its_name_and_closed() {
    let sidecar = Sidecar::start();
    let client = Mcp::connect(&sidecar, "ada").await;
    let arguments = json!({ "name": "a", "idle_timeout_seconds": 60, "env": { "A": "b" } });
    let opened = client.succeed("open_session", arguments.clone()).await;
    assert_eq!((&opened["is_new"], &opened["idle_timeout_ms"]), (&json!(true), &json!(60_000)));
    // Another connection of the same tenant.
    let other = Mcp::connect(&sidecar, "ada").await;
    let again = other.call("open_session", arguments).await;
    assert_eq!(
        (&again["structuredContent"]["id"], &again["structuredContent"]["is_new"]),
        (&opened["id"], &json!(false))
    );
    assert!(text(&again).contains("was open already"), "{again}");
    let (code, _) = client.fail("open_session", json!({ "name": "a" })).await;
    assert_eq!(code, "conflict");
    let (code, text) = client.fail("open_session", json!({ "idle_timeout_seconds": 1e9 })).await;
    assert!(code == "denied" && text.contains("above its ceiling"), "{text}");
    let session = id(&opened);
    assert_eq!(
        client.succeed("close_session", json!({ "session": session })).await,
        json!({ "id": session })
    );
    let (code, text) =
        client.fail("run_command", json!({ "session": session, "command": ["echo", "a"] })).await;
    assert!(
        code == "gone" && text.contains("was closed") && text.ends_with("files and processes."),
        "{text}"
    );
}

#[tokio::test]
async fn a_command_has_the_result_of_a_program() {
    let sidecar = Sidecar::start();
    let client = Mcp::connect(&sidecar, "ada").await;
    let session = client.open().await;
    let run = async |arguments: Value| {
        let mut all = json!({ "session": session });
        all.as_object_mut().expect("an object").extend(arguments.as_object().expect("an object").clone());
        client.messages("run_command", all).await
    };
    let messages = run(json!({ "command": ["cat"], "stdin": "grün" })).await;
    let result = &messages.last().expect("a response")["result"];
    assert_eq!(text(result), "exit code: 0\nstdout (5 bytes):\n```\ngrün\n```\n");
    assert_eq!(result["structuredContent"]["stdout"], json!({ "content": "grün", "length": 5 }));
    assert_eq!(messages[0]["params"]["message"], "grün", "{messages:?}");
    let result = &run(json!({ "command": ["fail", "3"] })).await.pop().expect("a response")["result"];
    assert_eq!((&result["isError"], &result["structuredContent"]["exit_code"]), (&json!(false), &json!(3)));
    let result = &run(json!({ "command": ["broken"] })).await.pop().expect("a response")["result"];
    assert_eq!(result["structuredContent"]["code"], "conflict", "{result}");
    let result = &run(json!({ "command": [] })).await.pop().expect("a response")["result"];
    assert!(text(result).contains("the program has no name"), "{result}");
}

#[tokio::test]
async fn the_output_of_a_command_in_the_background_is_read_in_parts() {
    let sidecar = Sidecar::start();
    let client = Mcp::connect(&sidecar, "ada").await;
    let session = client.open().await;
    let arguments =
        json!({ "session": session, "command": ["cat"], "stdin": "x".repeat(40_000), "background": true });
    let started = client.succeed("run_command", arguments).await;
    assert_eq!((&started["pid"], &started["background"]), (&json!(7), &json!(true)));
    let read = async |position: u64| {
        let execution = &started["id"];
        let arguments =
            json!({ "session": session, "execution": execution, "position": position, "wait_seconds": 300 });
        client.succeed("read_output", arguments).await
    };
    let first = read(0).await;
    assert_eq!(first["stdout"].as_str().map(str::len), Some(32 << 10));
    assert_eq!((&first["next_position"], &first["complete"]), (&json!(32 << 10), &json!(false)));
    let second = read(32 << 10).await;
    assert_eq!(second["stdout"].as_str().map(str::len), Some(40_000 - (32 << 10)));
    assert_eq!((&second["complete"], &second["execution"]["end"]["exit_code"]), (&json!(true), &json!(0)));

    let arguments = json!({ "session": session, "command": ["sleep"], "background": true });
    let endless = id(&client.succeed("run_command", arguments).await);
    // Without a wait, what there is.
    let result = client.call("read_output", json!({ "session": session, "execution": endless })).await;
    assert_eq!(text(&result), "running\nno output yet\nnext position: 0\n");
    let (code, text) = client.fail("read_output", json!({ "session": session, "execution": "none" })).await;
    assert!(code == "not-found" && text.contains("no execution `none`"), "{text}");
}

#[tokio::test]
async fn files_are_written_read_and_listed() {
    let sidecar = Sidecar::start();
    let client = Mcp::connect(&sidecar, "ada").await;
    let session = client.open().await;
    let file = |path: &str| json!({ "session": session, "path": path });
    for (path, member, content) in [
        ("/work/a.txt", "content", "ä"),
        ("/work/b", "content_base64", "/wA="),
        ("/work/empty", "content", ""),
        ("/work/long", "content", &*"ä".repeat(400_000)),
    ] {
        let mut arguments = file(path);
        arguments[member] = content.into();
        client.succeed("write_file", arguments).await;
    }
    let result = client.call("read_file", file("/work/a.txt")).await;
    assert_eq!(
        (text(&result), &result["content"][1]["resource"]["text"]),
        ("`/work/a.txt` (2 bytes)\n", &json!("ä"))
    );
    let result = client.call("read_file", file("/work/b")).await;
    assert_eq!(result["content"][1]["resource"]["blob"], "/wA=");
    let result = client.call("read_file", file("/work/empty")).await;
    assert_eq!(result["content"][1]["resource"]["text"], "");
    let result = client.call("read_file", file("/work/long")).await;
    let cut = json!({ "path": "/work/long", "returned": 640 << 10, "truncated": true });
    assert_eq!(result["structuredContent"], cut);
    assert_eq!(result["content"][1]["resource"]["text"].as_str().map(str::len), Some(640 << 10));
    let listed = client.succeed("list_files", json!({ "session": session })).await;
    let paths: Vec<_> =
        listed["entries"].as_array().expect("entries").iter().map(|entry| &entry["path"]).collect();
    assert_eq!((json!(paths), &listed["total"]), (json!(["a.txt", "b", "empty", "long"]), &json!(4)));
    let (code, text) = client.fail("read_file", file("/work/none")).await;
    assert!(code == "not-found" && text.ends_with("Nothing was done: correct the call."), "{text}");
}

#[tokio::test]
async fn a_session_of_another_tenant_is_answered_like_none() {
    let sidecar = Sidecar::start();
    let owner = Mcp::connect(&sidecar, "ada").await;
    let session = owner.open().await;
    let other = Mcp::connect(&sidecar, "bob").await;
    for (tool, arguments) in [
        ("run_command", json!({ "command": ["echo", "a"] })),
        ("read_output", json!({ "execution": "e" })),
        ("write_file", json!({ "path": "p", "content": "" })),
        ("read_file", json!({ "path": "p" })),
        ("list_files", json!({})),
        ("close_session", json!({})),
    ] {
        let call = async |session: &str| {
            let mut arguments = arguments.clone();
            arguments["session"] = session.into();
            let (code, text) = other.fail(tool, arguments).await;
            (code, text.replace(session, ""))
        };
        let (foreign, unknown) = (call(&session).await, call("session-0").await);
        assert_eq!(foreign, unknown, "{tool}");
        assert_eq!(foreign.0, "not-found", "{tool}");
    }
    owner.succeed("run_command", json!({ "session": session, "command": ["echo", "a"] })).await;
}

#[tokio::test]
async fn the_end_of_a_call_ends_its_command_and_not_the_session() {
    let sidecar = Sidecar::start();
    let client = Mcp::connect(&sidecar, "ada").await;
    let session = client.open().await;
    let sleep = || json!({ "session": session, "command": ["sleep"] });
    let http = sidecar.client("ada");
    let running = async || loop {
        let list = sidecar.raw("GET", &format!("/v1/sessions/{session}/executions"), &[], "").await.body;
        let mut list: Value = serde_json::from_str(&list).expect("JSON");
        let list: Vec<SessionExecution> = serde_json::from_value(list["executions"].take()).expect("a list");
        if let Some(execution) =
            list.into_iter().find(|execution| execution.end.is_none() && execution.pid.is_some())
        {
            return execution.id;
        }
    };
    let status = async |execution: &str| {
        let mut events = http.output(&session, execution, 0).await.expect("events");
        loop {
            if let SessionEvent::Ended { ended } = events.next().await.expect("an event") {
                return ended.status;
            }
        }
    };
    // The client disconnects.
    let stream = client.begin_call("run_command", sleep()).await;
    let execution = running().await;
    drop(stream);
    assert_eq!(status(&execution).await, Status::Cancelled);
    // The client cancels.
    let stream = client.begin_call("run_command", sleep()).await;
    let execution = running().await;
    let params = json!({ "requestId": 7 });
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
    finish(client.begin(&cancel).await).await;
    assert_eq!(status(&execution).await, Status::Cancelled);
    drop(stream);
    client.succeed("run_command", json!({ "session": session, "command": ["echo", "a"] })).await;
}
