//! The pipeline with a runner in memory and a paused clock.

use crate::fake::{FakeBackend, Script};
use cofferdam_core::{NoObserver, Runtime, policy::Policy, pool::PoolConfig};
use cofferdam_types::{Error, ErrorCode, Report, Request, RequestedLimits, Status};
use std::{sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

fn request() -> Request {
    Request { code: "print(1)".into(), ..Request::default() }
}

fn runtime(backend: &Arc<FakeBackend>) -> Runtime {
    Runtime::new(Policy::default(), backend.clone())
}

fn pooled(backend: &Arc<FakeBackend>, minimum: u32) -> Runtime {
    let config = PoolConfig { maximum: Some(4), minimum, ..PoolConfig::default() };
    runtime(backend).with_pool(&config)
}

async fn execute(runtime: &Runtime, request: Request) -> Result<Report, Error> {
    runtime.run(request, &CancellationToken::new(), &NoObserver).await
}

#[tokio::test(start_paused = true)]
async fn an_execution_has_its_output_and_leaves_no_sandbox() {
    let backend = FakeBackend::new(Script::Exit(3, Duration::from_secs(5)));
    let report = execute(&runtime(&backend), request()).await.expect("a report");
    assert_eq!(
        (report.status, &*report.stdout.bytes, report.warm),
        (Status::Exited(3), &b"print(1)"[..], false)
    );
    assert_eq!((backend.created.load(Relaxed), backend.deleted.load(Relaxed)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_program_that_does_not_end_is_timed_out_soon_after_its_wall_time() {
    let backend = FakeBackend::new(Script::RunUntilClosed);
    let limits = RequestedLimits { wall_time_ms: Some(10_000), ..RequestedLimits::default() };
    let started = Instant::now();
    let report = execute(&runtime(&backend), Request { limits, ..request() }).await.expect("a report");
    assert_eq!(report.status, Status::TimedOut);
    let elapsed = started.elapsed();
    assert!((11..15).contains(&elapsed.as_secs()), "{elapsed:?}");
    assert_eq!(backend.deleted.load(Relaxed), 1);
}

fn with_choice(backend: Arc<FakeBackend>) -> (Runtime, Request) {
    let allowed_images = Arc::new(["team/*".parse().expect("a pattern")].into_iter().collect());
    let policy = Policy { allowed_images, ..Policy::default() };
    (Runtime::new(policy, backend), Request { image: Some("team/app".into()), ..request() })
}

#[tokio::test(start_paused = true)]
async fn only_a_request_that_chooses_an_image_waits_for_a_pull() {
    let backend = FakeBackend::new(Script::Exit(0, Duration::ZERO));
    let (runtime, chosen) = with_choice(backend);
    for (request, startup) in [(request(), 1), (chosen, 6)] {
        let report = execute(&runtime, request).await.expect("a report");
        assert_eq!(report.timings.started.map(|time| time.as_secs()), Some(startup));
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_pulled_in_time_is_unavailable_for_now() {
    let backend = FakeBackend::new(Script::Exit(0, Duration::ZERO));
    let (runtime, chosen) = with_choice(backend.clone());
    let limits = RequestedLimits { startup_time_ms: Some(4000), ..RequestedLimits::default() };
    let error = execute(&runtime, Request { limits, ..chosen.clone() }).await.expect_err("an error");
    assert_eq!((error.code, error.retryable), (ErrorCode::ImageUnavailable, true), "{error}");
    assert!(error.message.contains("`docker.io/team/app:latest` was not pulled"), "{error}");
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let error = runtime.run(chosen, &cancelled, &NoObserver).await.expect_err("an error");
    assert_eq!(error.code, ErrorCode::Cancelled, "{error}");
    assert_eq!(backend.created.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn idle_sandboxes_of_chosen_images_make_room_for_another_image() {
    for is_chosen in [true, false] {
        let backend = FakeBackend::new(Script::Exit(0, Duration::ZERO));
        let (runtime, chosen) = with_choice(backend.clone());
        let runtime = runtime.with_pool(&PoolConfig::default());
        let first = if is_chosen { chosen.clone() } else { request() };
        runtime.warm_up(first.clone()).await.expect("a sandbox");
        assert!(execute(&runtime, first.clone()).await.expect("a report").warm);
        runtime.warm_up(first).await.expect("a sandbox");
        let large = execute(&runtime, Request { image: Some("team/large".into()), ..chosen }).await;
        let refused = large.as_ref().err().map(|error| (error.code, error.retryable));
        // That of the operator's image stays.
        assert_eq!(refused, (!is_chosen).then_some((ErrorCode::ImageUnavailable, true)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_execution_ends_and_leaves_no_sandbox() {
    let backend = FakeBackend::new(Script::RunUntilClosed);
    let (runtime, cancelled) = (runtime(&backend), CancellationToken::new());
    let cancel = async {
        sleep(Duration::from_secs(3)).await;
        cancelled.cancel();
    };
    let (report, ()) = tokio::join!(runtime.run(request(), &cancelled, &NoObserver), cancel);
    assert_eq!(report.expect("a report").status, Status::Cancelled);
    assert_eq!(backend.deleted.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_dropped_leaves_no_sandbox() {
    for minimum in [0, 1] {
        let backend = FakeBackend::new(Script::RunUntilClosed);
        let runtime = pooled(&backend, minimum);
        runtime.ready().await.expect("a backend");
        sleep(Duration::from_secs(3)).await;
        assert!(timeout(Duration::from_secs(3), execute(&runtime, request())).await.is_err());
        // Without waiting: the backend knows of the deletion when it is drained.
        assert_eq!(backend.deleted.load(Relaxed), 1, "{minimum}");
        runtime.drain().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_cancelled_before_its_sandbox_exists_is_an_error() {
    let backend = FakeBackend::new(Script::RunUntilClosed);
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let error = runtime(&backend).run(request(), &cancelled, &NoObserver).await.expect_err("an error");
    assert_eq!((error.code, backend.created.load(Relaxed)), (ErrorCode::Cancelled, 0));
}

#[tokio::test(start_paused = true)]
async fn each_failure_of_a_sandbox_has_its_own_error() {
    for (script, code, retryable) in [
        (Script::Hang, ErrorCode::StartupTimeout, true),
        (Script::Disconnect, ErrorCode::Evicted, false),
        (Script::ViolateProtocol, ErrorCode::Internal, false),
    ] {
        let backend = FakeBackend::new(script);
        let error = execute(&runtime(&backend), request()).await.expect_err("an error");
        assert_eq!((error.code, error.retryable), (code, retryable), "{script:?}");
        assert_eq!(backend.deleted.load(Relaxed), 1, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_without_a_common_version_is_refused() {
    let backend = FakeBackend::new(Script::OtherVersion);
    let error = execute(&runtime(&backend), request()).await.expect_err("an error");
    assert_eq!((error.code, error.retryable), (ErrorCode::SandboxUnavailable, false));
    assert!(error.message.contains("no version of their protocol in common"), "{error}");
    let runtime = pooled(&backend, 0);
    let error = runtime.warm_up(request()).await.expect_err("an error");
    assert_eq!(error.code, ErrorCode::SandboxUnavailable);
    runtime.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_slower_than_the_startup_time_is_not_waited_for() {
    let (created, deleted) = (0.into(), Arc::default());
    let startup = Duration::from_secs(3600);
    let backend =
        Arc::new(FakeBackend { script: Script::Hang, startup, pull: Duration::ZERO, created, deleted });
    let started = Instant::now();
    let error = execute(&runtime(&backend), request()).await.expect_err("an error");
    assert_eq!((error.code, error.retryable), (ErrorCode::StartupTimeout, true));
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_prewarmed_sandbox_is_used_once() {
    let backend = FakeBackend::new(Script::Exit(0, Duration::ZERO));
    let runtime = pooled(&backend, 1);
    runtime.warm_up(request()).await.expect("a sandbox");
    assert!(execute(&runtime, request()).await.expect("a report").warm);
    assert!(!execute(&runtime, request()).await.expect("a report").warm, "no other is ready yet");
    let metrics = runtime.pool_metrics().expect("a pool").snapshot();
    assert_eq!((metrics.hits, metrics.misses), (1, 1));
    runtime.drain().await;
    assert_eq!(backend.created.load(Relaxed), backend.deleted.load(Relaxed));
}

#[tokio::test(start_paused = true)]
async fn prewarmed_sandboxes_are_deleted_after_their_maximum_age_and_when_the_pool_is_closed() {
    let backend = FakeBackend::new(Script::Exit(0, Duration::ZERO));
    let runtime = pooled(&backend, 2);
    runtime.warm_up(request()).await.expect("a sandbox");
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(backend.deleted.load(Relaxed), 2, "the maximum age is 900 seconds");
    runtime.drain().await;
    assert_eq!((backend.created.load(Relaxed), backend.deleted.load(Relaxed)), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_cannot_be_prewarmed_is_reported() {
    let backend = FakeBackend::new(Script::Disconnect);
    let runtime = pooled(&backend, 0);
    // It is ready, and its connection ends with the program.
    runtime.warm_up(request()).await.expect("a sandbox");
    let error = execute(&runtime, request()).await.expect_err("an error");
    assert_eq!(error.code, ErrorCode::Evicted);
    runtime.drain().await;
}
