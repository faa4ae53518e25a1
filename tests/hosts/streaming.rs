//! Streaming through the composed component, with a real sidecar and with faulty ones.

use crate::{
    faulty_sidecar::{ExpectedError, FAST_CLOCK, assert_error, faults},
    scripted_server::{ScriptedServer, closed_url},
};
use cofferdam_tests::{
    hosts::{Caller, command},
    program::{TestDir, root, stderr},
    sidecar::Sidecar,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{self, Write};

const STREAM: &str = "code-executor-stream";
const HEAD: &str = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ncofferdam-version: 0.1.0\r\n";
const ACCEPTED: &str = "event: accepted\ndata: {\"accepted\":\"run-1\"}\n\n";

/// An instance of the component.
struct Instance(Caller);

impl Instance {
    fn of(sidecar: &Sidecar) -> Self {
        Self(Caller::python(&sidecar.url()))
    }

    fn start(&mut self, code: &str) -> Value {
        let parts = ["language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels"];
        let mut request: Value = parts.into_iter().map(|part| (part, Value::Null)).collect();
        request["code"] = code.into();
        self.0.call(STREAM, "start", &request).expect("no trap")
    }

    fn next(&mut self, id: &Value) -> Value {
        self.0.call(STREAM, "next", id).expect("no trap")
    }

    fn cancel(&mut self, id: &Value) -> Value {
        self.0.call(STREAM, "cancel", id).expect("no trap")
    }

    /// Reads the events of an execution up to its outcome.
    fn read_to_end(&mut self, id: &Value) -> Vec<Value> {
        let mut events = vec![];
        while events.last().is_none_or(|event: &Value| event.get("ended").is_none()) {
            let event = self.next(id);
            assert!(event.get("code").is_none(), "{event}");
            events.push(event);
        }
        events
    }

    /// Starts a program that runs until it is cancelled, and reads its events up to its output.
    fn start_endless(&mut self) -> Value {
        // One write, so that it is one event.
        let id = self.start("import os, time\nos.write(1, b'now\\n')\ntime.sleep(600)");
        let [_queued, _started, output] = [self.next(&id), self.next(&id), self.next(&id)];
        assert_eq!(output, json!({ "stdout": "now\n" }));
        id
    }

    fn assert_unknown(&mut self, id: &Value) {
        for error in [self.next(id), self.cancel(id)] {
            assert_eq!(
                (&error["code"], &error["retryable"]),
                (&json!("invalid-request"), &json!(false)),
                "{error}"
            );
        }
    }
}

#[test]
fn events_are_in_order_and_split_characters_are_joined() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut instance = Instance::of(&sidecar);
    let id = instance.start(
        "import os, time\n\
         for fd, piece in (1, b'a\\xe2'), (2, b'\\xf0\\x9f'), (1, b'\\x82\\xac'), (2, b'\\x9a\\x80'), (2, b'\\xc3'):\n\
         \tos.write(fd, piece); time.sleep(0.2)",
    );
    let events = instance.read_to_end(&id);
    assert_eq!(events[..2], [json!({ "reached": "queued" }), json!({ "reached": "started" })]);
    let text_of = |stream: &str| events.iter().filter_map(|event| event[stream].as_str()).collect::<String>();
    assert_eq!(
        (text_of("stdout"), text_of("stderr")),
        ("a\u{20ac}".into(), "\u{1f680}\u{fffd}".into()),
        "{events:?}"
    );
    let outcome = &events.last().expect("an end")["ended"];
    assert_eq!((&outcome["id"], &outcome["status"]), (&id, &json!({ "exited": 0 })), "{outcome}");
    assert_eq!(outcome["stdout"], json!({ "text": "a\u{20ac}", "bytes": null, "length": 4, "cut": null }));
    instance.assert_unknown(&id);
}

#[test]
fn a_cancelled_execution_keeps_its_output() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut instance = Instance::of(&sidecar);
    let mut other = Instance::of(&sidecar);
    let id = instance.start_endless();
    other.assert_unknown(&id);
    // Cancelling again is not an error.
    for _ in 0..20 {
        assert_eq!(instance.cancel(&id), Value::Null);
    }
    let events = instance.read_to_end(&id);
    let outcome = &events.last().expect("an end")["ended"];
    assert_eq!(
        (&outcome["status"], &outcome["stdout"]["text"]),
        (&json!("cancelled"), &json!("now\n")),
        "{outcome}"
    );
    instance.assert_unknown(&id);
}

#[test]
fn an_instance_streams_several_executions_at_once() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut instance = Instance::of(&sidecar);
    let (one, other) = (instance.start_endless(), instance.start("print('other')"));
    let events = instance.read_to_end(&other);
    assert_eq!(events.last().expect("an end")["ended"]["stdout"]["text"], "other\n");
    assert_eq!(instance.cancel(&one), Value::Null);
    assert_eq!(instance.read_to_end(&one).last().expect("an end")["ended"]["status"], "cancelled");
}

#[test]
fn the_end_of_the_host_cancels_its_executions() {
    let dir = TestDir::new();
    let mut sidecar = Sidecar::start(&dir, &[], &[]);
    let mut instance = Instance::of(&sidecar);
    instance.start_endless();
    drop(instance);
    let line = sidecar.wait_for("ran id=");
    assert!(line.contains("status=Cancelled"), "{line}");
}

#[test]
fn a_sidecar_killed_during_an_execution_is_unreachable() {
    let dir = TestDir::new();
    let sidecar = Sidecar::start(&dir, &[], &[]);
    let mut instance = Instance::of(&sidecar);
    let id = instance.start_endless();
    sidecar.signal(Signal::KILL);
    sidecar.end();
    let error = instance.cancel(&id);
    assert_eq!(
        (&error["code"], &error["retryable"], &error["id"]),
        (&json!("unreachable"), &json!(false), &id),
        "{error}"
    );
    let error = instance.next(&id);
    assert_eq!(
        (&error["code"], &error["retryable"], &error["id"]),
        (&json!("unreachable"), &json!(false), &id),
        "{error}"
    );
    instance.assert_unknown(&id);
}

#[test]
fn each_fault_of_a_sidecar_is_reported_by_start() {
    for (what, response, expected) in faults() {
        let sidecar = ScriptedServer::responding(response);
        let error = Instance(Caller::python(&sidecar.url())).start("print(6*7)");
        assert_error(what, &error, expected);
        assert_eq!(sidecar.requests().len(), 1, "{what}");
    }
    assert_error(
        "no server",
        &Instance(Caller::python(&closed_url())).start("1"),
        ("unreachable", true, "no connection"),
    );
}

#[test]
fn a_broken_stream_is_an_error_and_ends_the_execution() {
    let lost = ("unreachable", false, "the connection to the sidecar ended");
    let not_a_sidecar = ("unreachable", false, "not a sidecar");
    let failed = r#"data: {"failed":{"type":"t","title":"t","status":429,"detail":"all used up","code":"quota","retryable":true}}"#;
    let cases: [(&str, String, ExpectedError); 8] = [
        ("the end", String::new(), lost),
        ("half an event", "event: stdout\ndata: {\"std".into(), lost),
        ("no JSON", "data: <html>\n\n".into(), not_a_sidecar),
        ("another event", "data: {\"surprise\":1}\n\n".into(), not_a_sidecar),
        ("endless line ends", "\n".repeat(8 << 20), lost),
        ("endless comments", ": nothing\n\n".repeat(1 << 20), lost),
        ("deeply nested JSON", format!("data: {}\n\n", "[".repeat(100_000)), not_a_sidecar),
        ("a problem", format!("{failed}\n\n"), ("quota", true, "all used up")),
    ];
    for (what, rest, expected) in cases {
        let sidecar = ScriptedServer::responding(format!(
            "{HEAD}connection: close\r\n\r\n{ACCEPTED}: a comment\n\n{rest}"
        ));
        let mut instance = Instance(Caller::python(&sidecar.url()));
        let id = instance.start("print(6*7)");
        assert_eq!(id, "run-1", "{what}");
        let error = instance.next(&id);
        assert_error(what, &error, expected);
        assert_eq!(error["id"], "run-1", "{error}");
        instance.assert_unknown(&id);
        let sidecar = ScriptedServer::responding(format!("{HEAD}connection: close\r\n\r\n{rest}"));
        assert_error(what, &Instance(Caller::python(&sidecar.url())).start("print(6*7)"), expected);
    }
}

#[test]
fn a_sidecar_that_falls_silent_times_out() {
    for sent in [String::new(), format!("{HEAD}\r\n"), format!("{HEAD}\r\n{ACCEPTED}")] {
        let sidecar = ScriptedServer::new(move |stream| {
            // The component may close the connection early.
            let _ = stream.write_all(sent.as_bytes());
            let _ = io::copy(stream, &mut io::sink());
        });
        let module = root().join("examples/hosts/node/out").join(*FAST_CLOCK);
        let output =
            command("node", &sidecar.url()).arg("tests/hosts/follow.mjs").arg(module).output().expect("node");
        let error = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        assert_error("silence", &error, ("unreachable", false, "in full, within 60 s"));
    }
}
