//! A context with hooks, over a backend whose executions end when they are cancelled, or at once.

use super::{
    SandboxCtx, SandboxHooks,
    sandbox_stream::{Event, Phase as EventPhase},
};
use cofferdam_core::{
    Backend, BoxFuture, ExecutionContext, Phase, Purpose, Runtime, Sandbox,
    policy::Policy,
    spec::{ExecSpec, SandboxSpec},
};
use cofferdam_types::{Capture, Error, ErrorCode, Report, Request, Status, Timings};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The program of an execution that ends when it is cancelled.
const ENDLESS: &str = "endless";
/// A request for this network is refused by the policy.
const UNKNOWN_NETWORK: &str = "any";

#[derive(Debug)]
struct FakeBackend;

impl Backend for FakeBackend {
    fn create<'a>(
        &'a self,
        _: &'a SandboxSpec,
        _: Purpose<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Sandbox>, Error>> {
        Box::pin(async { Ok(Box::new(FakeSandbox) as Box<dyn Sandbox>) })
    }
}

#[derive(Debug)]
struct FakeSandbox;

impl Sandbox for FakeSandbox {
    fn ping(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn exec<'a>(
        &'a mut self,
        exec: ExecSpec,
        context: &'a ExecutionContext<'a>,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            context.observer.on_phase(Phase::Running);
            let mut status = Status::Exited(0);
            if exec.code == ENDLESS {
                context.cancelled.cancelled().await;
                status = Status::Cancelled;
            }
            Ok(Report {
                id: context.id.clone(),
                status,
                stdout: Capture::default(),
                stderr: Capture::default(),
                files: vec![],
                skipped: vec![],
                timings: Timings::default(),
                warm: false,
            })
        })
    }

    fn delete(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Refuses bash, and sends each result to the test.
#[derive(Debug)]
struct TestHooks(Sender<Result<Report, Error>>);

impl SandboxHooks for TestHooks {
    fn authorize(&self, request: &Request) -> Result<(), Error> {
        match request.language.as_deref() {
            Some("bash") => Err(Error::new(ErrorCode::Denied, "no bash")),
            _ => Ok(()),
        }
    }

    fn on_finished(&self, result: &Result<Report, Error>) {
        self.0.try_send(result.clone()).expect("room for a result");
    }
}

fn context(max_executions: u32) -> (SandboxCtx, Receiver<Result<Report, Error>>) {
    let (sender, results) = channel(8);
    let runtime = Runtime::new(Policy::default(), Arc::new(FakeBackend));
    let hooks = Arc::new(TestHooks(sender));
    (SandboxCtx::builder(runtime).max_executions(max_executions).hooks(hooks).build(), results)
}

fn request(code: &str) -> Request {
    Request { code: code.into(), ..Request::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("an error").code
}

#[tokio::test]
async fn the_hooks_receive_each_result_once() {
    let (mut ctx, mut results) = context(3);
    let report = ctx.run(request("1")).await.expect("a report");
    assert_eq!(results.try_recv().expect("a result").expect("a report"), report);

    let refused = Request { network: Some(UNKNOWN_NETWORK.into()), ..request("1") };
    assert_eq!(code(ctx.run(refused.clone()).await), ErrorCode::Denied);
    assert_eq!(code(results.try_recv().expect("a result")), ErrorCode::Denied);

    assert_eq!(code(ctx.start(refused).await), ErrorCode::Denied);
    assert_eq!(code(results.try_recv().expect("a result")), ErrorCode::Denied);
    assert!(results.try_recv().is_err());
}

#[tokio::test]
async fn a_request_that_the_hooks_refuse_counts_as_an_execution() {
    let (mut ctx, mut results) = context(2);
    let bash = Request { language: Some("bash".into()), ..request("1") };
    assert_eq!(ctx.run(bash.clone()).await.expect_err("refused").message, "no bash");
    assert_eq!(ctx.start(bash).await.expect_err("refused").message, "no bash");
    let error = ctx.run(request("1")).await.expect_err("none remains");
    assert!(
        error.code == ErrorCode::Denied && error.message.contains("execution limit"),
        "{}",
        error.message
    );
    assert!(results.try_recv().is_err(), "the hooks received a result of a request that they refused");
}

#[tokio::test]
async fn a_streamed_execution_ends_with_its_report() {
    let (mut ctx, mut results) = context(1);
    let id = ctx.start(request("1")).await.expect("an id");
    assert!(matches!(ctx.next(&id).await, Ok(Event::Reached(EventPhase::Started))));
    let Ok(Event::Ended(report)) = ctx.next(&id).await else { panic!("no report") };
    assert_eq!(report.id, id);
    assert_eq!(results.recv().await.expect("a result").expect("a report").id, id);
    assert_eq!(code(ctx.next(&id).await), ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn the_hooks_receive_the_result_of_a_dropped_streamed_execution() {
    let (mut ctx, mut results) = context(1);
    let id = ctx.start(request(ENDLESS)).await.expect("an id");
    // An execution that is cancelled before its program starts has an error instead of a report.
    assert!(matches!(ctx.next(&id).await, Ok(Event::Reached(EventPhase::Started))));
    drop(ctx);
    let report = results.recv().await.expect("a result").expect("a report");
    assert_eq!((report.id, report.status), (id, Status::Cancelled));
}
