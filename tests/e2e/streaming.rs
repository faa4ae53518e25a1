//! The streaming component, with the library as its host.

use super::cleanup::assert_no_leaks;
use cofferdam::{Runtime, config::Settings};
use cofferdam_component::{
    STREAM, SandboxCtx, StreamGuest, add_to_linker,
    code_executor_stream::{Event, Outcome},
    types::{Error, ErrorCode, Limits, Request, Status},
};
use cofferdam_tests::program::{TestDir, with_usr_of_machine};
use std::sync::LazyLock;
use wasmtime::{
    Engine, Store,
    component::{Component, Linker},
};

static COMPONENT: LazyLock<Component> =
    LazyLock::new(|| Component::new(&Engine::default(), STREAM).expect("a component"));

fn sidecar(dir: &TestDir) -> Runtime {
    let state_dir = Some(dir.state());
    Settings { state_dir, ..with_usr_of_machine() }.runtime().expect("a sidecar")
}

/// A program that writes its output in one write, then runs until it is cancelled.
const ENDLESS: &str = "import os, time\nos.write(1, b'now\\n')\ntime.sleep(600)";

/// An instance of the component, and its store.
struct Instance {
    store: Store<SandboxCtx>,
    guest: StreamGuest,
}

impl Instance {
    async fn new(ctx: SandboxCtx) -> Self {
        let engine = COMPONENT.engine();
        let mut linker: Linker<SandboxCtx> = Linker::new(engine);
        add_to_linker(&mut linker).expect("imports");
        let mut store = Store::new(engine, ctx);
        let guest =
            StreamGuest::instantiate_async(&mut store, &COMPONENT, &linker).await.expect("an instance");
        Self { store, guest }
    }

    async fn start(&mut self, request: Request) -> Result<String, Error> {
        let stream = self.guest.cofferdam_code_executor_code_executor_stream();
        stream.call_start(&mut self.store, &request).await.expect("no trap")
    }

    async fn next(&mut self, id: &str) -> Result<Event, Error> {
        let stream = self.guest.cofferdam_code_executor_code_executor_stream();
        stream.call_next(&mut self.store, id).await.expect("no trap")
    }

    async fn cancel(&mut self, id: &str) -> Result<(), Error> {
        let stream = self.guest.cofferdam_code_executor_code_executor_stream();
        stream.call_cancel(&mut self.store, id).await.expect("no trap")
    }

    /// Reads the events of an execution up to its outcome.
    async fn read_to_end(&mut self, id: &str) -> (Vec<String>, Outcome) {
        let mut events = vec![];
        loop {
            match self.next(id).await.expect("an event") {
                Event::Reached(phase) => events.push(format!("{phase:?}")),
                Event::Stdout(text) => events.push(format!("out {text}")),
                Event::Stderr(text) => events.push(format!("err {text}")),
                Event::Ended(outcome) => return (events, outcome),
            }
        }
    }

    /// Starts `ENDLESS` and reads its events up to its output.
    async fn start_endless(&mut self) -> String {
        let id = self.start(Request::new(ENDLESS)).await.expect("a run");
        while !matches!(self.next(&id).await.expect("an event"), Event::Stdout(text) if text == "now\n") {}
        id
    }

    async fn assert_unknown(&mut self, id: &str) {
        for result in [self.next(id).await.map(|_| ()), self.cancel(id).await] {
            let error = result.expect_err("no such run");
            assert_eq!(
                (error.code, error.retryable),
                (ErrorCode::InvalidRequest, false),
                "{}",
                error.message
            );
        }
    }
}

#[tokio::test]
async fn events_are_in_order_and_split_characters_are_joined() {
    let dir = TestDir::new();
    let mut instance = Instance::new(SandboxCtx::new(sidecar(&dir))).await;
    let code = "import os, time\n\
                for fd, piece in (1, b'a\\xe2'), (2, b'\\xf0\\x9f'), (1, b'\\x82\\xac'), (2, b'\\x9a\\x80'), (2, b'\\xc3'):\n\
                \tos.write(fd, piece); time.sleep(0.2)";
    let id = instance.start(Request::new(code)).await.expect("a run");
    let (events, outcome) = instance.read_to_end(&id).await;
    assert_eq!(events[0], "Phase::Started");
    let text_of =
        |stream: &str| events.iter().filter_map(|event| event.strip_prefix(stream)).collect::<String>();
    assert_eq!(
        (text_of("out "), text_of("err ")),
        ("a\u{20ac}".into(), "\u{1f680}\u{fffd}".into()),
        "{events:?}"
    );
    assert!(matches!(outcome.status, Status::Exited(0)) && outcome.id == id, "{outcome:?}");
    assert_eq!((outcome.stdout.text.as_str(), outcome.stdout.bytes), ("a\u{20ac}", None));
    assert_eq!(outcome.stderr.bytes.as_deref(), Some(&b"\xf0\x9f\x9a\x80\xc3"[..]));
    instance.assert_unknown(&id).await;
}

#[tokio::test]
async fn a_cancelled_execution_keeps_its_output() {
    let dir = TestDir::new();
    let mut instance = Instance::new(SandboxCtx::new(sidecar(&dir))).await;
    let id = instance.start_endless().await;
    instance.cancel(&id).await.expect("cancelled");
    // Cancelling again is not an error.
    instance.cancel(&id).await.expect("cancelled");
    let (_, outcome) = instance.read_to_end(&id).await;
    assert!(matches!(outcome.status, Status::Cancelled) && outcome.stdout.text == "now\n", "{outcome:?}");
    assert_no_leaks(&dir);
    instance.assert_unknown(&id).await;
}

#[tokio::test]
async fn dropping_an_instance_cancels_its_executions() {
    let dir = TestDir::new();
    let sidecar = sidecar(&dir);
    let mut instance = Instance::new(SandboxCtx::new(sidecar.clone())).await;
    instance.start_endless().await;
    drop(instance);
    sidecar.drain().await;
    assert_no_leaks(&dir);
}

#[tokio::test]
async fn an_instance_cannot_access_executions_of_another() {
    let dir = TestDir::new();
    let sidecar = sidecar(&dir);
    let mut instance = Instance::new(SandboxCtx::new(sidecar.clone())).await;
    let mut other = Instance::new(SandboxCtx::new(sidecar)).await;
    let id = instance.start_endless().await;
    other.assert_unknown(&id).await;
    other.assert_unknown("run-0").await;
    instance.cancel(&id).await.expect("it is still there");
    assert!(matches!(instance.read_to_end(&id).await.1.status, Status::Cancelled));
}

#[tokio::test]
async fn an_execution_does_not_wait_for_its_reader_and_buffers_little() {
    const SIZE: usize = 32 << 20;
    let dir = TestDir::new();
    let sidecar = sidecar(&dir);
    let mut instance = Instance::new(SandboxCtx::new(sidecar.clone())).await;
    let code = format!("import os\nfor _ in range({}): os.write(1, b'x' * 4096)", SIZE / 4096);
    let limits = Limits { output_bytes: Some(SIZE as u64), ..no_limits() };
    let id = instance.start(Request { limits: Some(limits), ..Request::new(code) }).await.expect("a run");
    // It ends before its events are read.
    sidecar.drain().await;
    let (events, outcome) = instance.read_to_end(&id).await;
    assert!(events.len() <= 64 && events.concat().len() < SIZE, "{}", events.len());
    assert_eq!(outcome.stdout.text.len(), SIZE);
}

#[tokio::test]
async fn a_failed_execution_is_reported_by_next() {
    let dir = TestDir::new();
    let mut instance = Instance::new(SandboxCtx::new(sidecar(&dir))).await;
    let limits = Limits { startup_time_ms: Some(1), ..no_limits() };
    let id =
        instance.start(Request { limits: Some(limits), ..Request::new("print(1)") }).await.expect("a run");
    let error = instance.next(&id).await.expect_err("an error");
    assert_eq!((error.code, error.id.as_ref()), (ErrorCode::StartupTimeout, Some(&id)), "{}", error.message);
    instance.assert_unknown(&id).await;
}

#[tokio::test]
async fn a_disallowed_execution_is_refused_by_start() {
    let dir = TestDir::new();
    let mut instance = Instance::new(SandboxCtx::new(sidecar(&dir))).await;
    for (request, code) in [
        (Request::new("\0"), ErrorCode::InvalidRequest),
        (Request { network: Some("any".into()), ..Request::new("1") }, ErrorCode::Denied),
    ] {
        assert_eq!(instance.start(request).await.expect_err("refused").code, code);
    }
    let mut instance = Instance::new(SandboxCtx::builder(sidecar(&dir)).max_executions(1).build()).await;
    let id = instance.start_endless().await;
    let error = instance.start(Request::new("1")).await.expect_err("refused");
    assert!(
        error.code == ErrorCode::Denied && error.message.contains("execution limit of this instance reached"),
        "{}",
        error.message
    );
    instance.cancel(&id).await.expect("cancelled");
    instance.read_to_end(&id).await;
}

fn no_limits() -> Limits {
    Limits {
        wall_time_ms: None,
        startup_time_ms: None,
        cpu_millis: None,
        memory_bytes: None,
        disk_bytes: None,
        processes: None,
        output_bytes: None,
        collected_files: None,
        collected_bytes: None,
    }
}
