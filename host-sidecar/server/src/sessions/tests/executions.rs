//! Executions of sessions.

use super::*;
use cofferdam_client::{BodyChannel, SessionEvents, TerminalEvent};
use cofferdam_http_api::{
    Outcome,
    session::{ExecutionEnd, SessionEvent, SessionExecution, TerminalSize},
};
use cofferdam_types::{ErrorCode, Status};

/// The output of an execution, and how it ended.
async fn follow(mut events: SessionEvents) -> (Vec<u8>, ExecutionEnd) {
    let mut output = Vec::new();
    loop {
        match events.next().await.expect("an event") {
            SessionEvent::Accepted { .. } => {}
            SessionEvent::Stdout { stdout, position } => {
                assert_eq!(position, output.len() as u64);
                output.extend(stdout.0);
            }
            SessionEvent::Stderr { stderr, .. } => output.extend(stderr.0),
            SessionEvent::Ended { ended } => return (output, ended),
            event => panic!("{event:?}"),
        }
    }
}

async fn state(sidecar: &Sidecar, path: &str) -> SessionExecution {
    serde_json::from_str(&sidecar.raw("GET", path, &[], "").await.body).expect("an execution")
}

#[tokio::test]
async fn an_execution_returns_its_outcome_or_its_events() {
    let sidecar = Sidecar::start();
    let id = sidecar.session().await;
    let path = format!("/v1/sessions/{id}/executions");
    let response = sidecar.json("POST", &path, r#"{"id":"e","command":["fail","3"]}"#).await;
    let outcome: Outcome = serde_json::from_str(&response.body).expect("an outcome");
    assert_eq!(
        (outcome.status, outcome.exit_code, outcome.stderr.content.0),
        (Status::Exited(3), Some(3), b"no".into())
    );
    for header in [
        "content-security-policy: sandbox",
        "x-content-type-options: nosniff",
        "content-disposition: attachment",
    ] {
        assert!(response.head.contains(header), "{header}\n{}", response.head);
    }
    let again = sidecar.json("POST", &path, r#"{"id":"e","command":["fail","3"]}"#).await;
    assert_eq!(again.status, 409, "{}", again.body);
    let events = sidecar.client("ada").execute(&id, &program(&["echo", "grün"])).await.expect("events");
    let (output, end) = follow(events).await;
    assert_eq!((output, end.exit_code), ("grün".into(), 0));
    let list = sidecar.raw("GET", &path, &[], "").await.body;
    assert!(list.contains(r#""id":"e""#) && list.contains(r#""exit_code":3"#), "{list}");
}

#[tokio::test]
async fn standard_input_is_streamed_and_closed_once() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let request = ExecutionRequest { id: Some("c".into()), open_stdin: true, ..program(&["cat"]) };
    let events = client.execute(&id, &request).await.expect("events");
    let (sender, body) = BodyChannel::new();
    let writing = async {
        for piece in [&b"one "[..], b"two"] {
            sender.send(Ok(piece.into())).await.expect("room");
        }
        drop(sender);
    };
    let (written, (), (output, end)) =
        tokio::join!(client.write_stdin(&id, "c", body), writing, follow(events));
    written.expect("written");
    assert_eq!((output, end.status), (b"one two".into(), Status::Exited(0)));
    let late = sidecar.raw("POST", &format!("/v1/sessions/{id}/executions/c/stdin"), &[], "late").await;
    assert_eq!(late.status, 409, "{}", late.body);
    let signal = client.signal(&id, "c", 15).await.expect_err("it has ended");
    assert_eq!(signal.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn an_execution_ends_with_its_caller_and_one_in_the_background_does_not() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let path = |execution: &str| format!("/v1/sessions/{id}/executions/{execution}");
    let request = |id: &str| ExecutionRequest { id: Some(id.into()), ..program(&["sleep"]) };
    let mut events = client.execute(&id, &request("events")).await.expect("events");
    events.next().await.expect("accepted");
    drop(events);
    let body = r#"{"id":"outcome","command":["sleep"]}"#;
    let stream = sidecar
        .begin("POST", &format!("/v1/sessions/{id}/executions"), &["Content-Type: application/json"], body)
        .await;
    while !sidecar.raw("GET", &path("outcome"), &[], "").await.body.contains(r#""pid":7"#) {}
    drop(stream);
    for execution in ["events", "outcome"] {
        let (_, end) = follow(client.output(&id, execution, 0).await.expect("events")).await;
        assert_eq!(end.status, Status::Cancelled, "{execution}");
    }
    let background = ExecutionRequest { background: true, ..request("background") };
    let started = client.start_in_session(&id, &background).await.expect("started");
    assert!(started.background && started.end.is_none());
    assert_eq!(state(&sidecar, &path("background")).await.end, None);
    client.signal(&id, "background", 15).await.expect("sent");
    let (_, end) = follow(client.output(&id, "background", 0).await.expect("events")).await;
    assert_eq!((end.status, end.exit_code), (Status::Killed(15), 143));
}

#[tokio::test]
async fn an_execution_in_the_background_is_answered_when_it_has_started_or_could_not() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let executions = format!("/v1/sessions/{id}/executions");
    let late = ExecutionRequest { id: Some("late".into()), background: true, ..program(&["late"]) };
    let start = async { client.start_in_session(&id, &late).await.expect("started") };
    let release = async {
        while !sidecar.raw("GET", &executions, &[], "").await.body.contains(r#""id":"late""#) {}
        let before = state(&sidecar, &format!("{executions}/late")).await;
        client.execute(&id, &program(&["echo", "a"])).await.expect("events");
        before
    };
    let (started, before) = tokio::join!(start, release);
    assert_eq!((before.pid, started.pid), (None, Some(8)));
    let broken = r#"{"id":"broken","command":["broken"],"background":true}"#;
    let response = sidecar.json("POST", &executions, broken).await;
    assert_eq!(response.status, 409, "{}", response.body);
    assert!(response.detail().contains("no such program"), "{}", response.detail());
}

#[tokio::test]
async fn several_readers_follow_one_execution_from_any_position() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let request =
        ExecutionRequest { id: Some("c".into()), open_stdin: true, background: true, ..program(&["cat"]) };
    client.start_in_session(&id, &request).await.expect("started");
    // This one is not read.
    let _stalled = client.output(&id, "c", 0).await.expect("events");
    let readers = [client.output(&id, "c", 0).await, client.output(&id, "c", 0).await];
    sidecar.raw("POST", &format!("/v1/sessions/{id}/executions/c/stdin?close=true"), &[], "0123456789").await;
    for reader in readers {
        assert_eq!(follow(reader.expect("events")).await.0, b"0123456789");
    }
    let mut late = client.output(&id, "c", 7).await.expect("events");
    late.next().await.expect("accepted");
    let SessionEvent::Stdout { stdout, position } = late.next().await.expect("output") else {
        panic!("output")
    };
    assert_eq!((stdout.0, position), (b"789".into(), 7));
}

#[tokio::test]
async fn a_terminal_is_a_websocket_that_its_caller_may_leave() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let size = Some(TerminalSize { columns: 80, rows: 24 });
    let request =
        ExecutionRequest { id: Some("t".into()), terminal: size, background: true, ..program(&["cat"]) };
    client.start_in_session(&id, &request).await.expect("started");
    let mut terminal = client.terminal(&id, "t", 0).await.expect("a terminal");
    let accepted = terminal.output.next().await.expect("an event");
    assert!(matches!(accepted, Some(TerminalEvent::Event(SessionEvent::Accepted { .. }))), "{accepted:?}");
    terminal.input.write(b"typed".into()).await.expect("sent");
    assert_eq!(
        terminal.output.next().await.expect("output"),
        Some(TerminalEvent::Output(b"typed"[..].into()))
    );
    terminal.input.resize(TerminalSize { columns: 100, rows: 50 }).await.expect("sent");
    assert_eq!(
        terminal.output.next().await.expect("output"),
        Some(TerminalEvent::Output(b"100x50"[..].into()))
    );
    drop(terminal);
    // It runs on, and another terminal begins where that one was left.
    let mut other = client.terminal(&id, "t", 5).await.expect("a terminal");
    other.output.next().await.expect("accepted");
    assert_eq!(other.output.next().await.expect("output"), Some(TerminalEvent::Output(b"100x50"[..].into())));
    client.kill(&id, "t").await.expect("killed");
    let ended = other.output.next().await.expect("an event");
    assert!(matches!(ended, Some(TerminalEvent::Event(SessionEvent::Ended { .. }))), "{ended:?}");
    assert_eq!(other.output.next().await, Ok(None));
}

#[tokio::test]
async fn only_a_terminal_can_be_connected_to() {
    let sidecar = Sidecar::start();
    let (id, client) = (sidecar.session().await, sidecar.client("ada"));
    let request = ExecutionRequest { id: Some("s".into()), background: true, ..program(&["sleep"]) };
    client.start_in_session(&id, &request).await.expect("started");
    let error = client.terminal(&id, "s", 0).await.expect_err("no terminal");
    assert_eq!(error.code, ErrorCode::Conflict, "{error}");
    let terminal = ExecutionRequest {
        id: Some("t".into()),
        terminal: Some(TerminalSize { columns: 80, rows: 24 }),
        ..request
    };
    client.start_in_session(&id, &terminal).await.expect("started");
    let path = format!("/v1/sessions/{id}/executions/t/terminal");
    assert_eq!(sidecar.raw("GET", &path, &[], "").await.status, 426);
}
