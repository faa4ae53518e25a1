//! Files that are streamed to a runner in memory, with a paused clock.

use crate::fake::{FakeBackend, Script};
use cofferdam_core::{
    InputSender, Inputs, NoObserver, Runtime,
    inputs::{EntryKind, InputEntry, InputPart},
    policy::Policy,
    pool::PoolConfig,
};
use cofferdam_types::{Error, ErrorCode, Report, Request, RequestedLimits, Status};
use std::{sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const PRINT: Script = Script::Exit(0, Duration::ZERO);

/// Executes a program whose files `source` sends.
async fn execute<F: Future<Output = ()> + Send + 'static>(
    backend: &Arc<FakeBackend>,
    source: impl FnOnce(InputSender) -> F,
) -> Result<Report, Error> {
    execute_on(&Runtime::new(Policy::default(), backend.clone()), source).await
}

async fn execute_on<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    source: impl FnOnce(InputSender) -> F,
) -> Result<Report, Error> {
    let (sender, inputs) = Inputs::channel();
    let source = tokio::spawn(source(sender));
    let limits = RequestedLimits { startup_time_ms: Some(20_000), ..RequestedLimits::default() };
    let request = Request { code: "code".into(), limits, ..Request::default() };
    let result = runtime.run_with_inputs(request, Some(inputs), &CancellationToken::new(), &NoObserver).await;
    source.abort();
    result
}

fn entry(path: &str) -> Result<InputPart, Error> {
    Ok(InputPart::Entry(InputEntry { path: path.into(), kind: EntryKind::File(0o644) }))
}

fn content(bytes: usize) -> Result<InputPart, Error> {
    Ok(InputPart::Content(vec![0; bytes]))
}

#[tokio::test(start_paused = true)]
async fn streamed_files_arrive_before_the_program_starts() {
    let backend = FakeBackend::new(PRINT);
    let pooled = PoolConfig { maximum: Some(1), minimum: 1, ..PoolConfig::default() };
    for runtime in [
        Runtime::new(Policy::default(), backend.clone()),
        Runtime::new(Policy::default(), backend.clone()).with_pool(&pooled),
    ] {
        runtime.ready().await.expect("a backend");
        sleep(Duration::from_secs(3)).await;
        let report = execute_on(&runtime, |sender| async move {
            for part in [entry("a"), content(3), content(2), entry("b"), Ok(InputPart::End)] {
                assert!(sender.send(part).await);
            }
        });
        assert_eq!(report.await.expect("a report").stdout.bytes, b"code\na 5\nb 0");
        runtime.drain().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_takes_longer_than_the_startup_time_is_no_timeout() {
    let report = execute(&FakeBackend::new(PRINT), |sender| async move {
        sender.send(entry("a")).await;
        for _ in 0..60 {
            sleep(Duration::from_secs(1)).await;
            sender.send(content(512 << 10)).await;
        }
        sender.send(Ok(InputPart::End)).await;
    })
    .await
    .expect("a report");
    assert_eq!(report.status, Status::Exited(0));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_stalls_or_is_slow_ends_the_execution() {
    for (first, pause, at_most) in [(1, u64::MAX >> 32, 25), (64 << 20, u64::MAX >> 32, 35), (1, 1, 25)] {
        let backend = FakeBackend::new(PRINT);
        let begun = Instant::now();
        let error = execute(&backend, move |sender| async move {
            sender.send(entry("a")).await;
            sender.send(content(first)).await;
            loop {
                sleep(Duration::from_secs(pause)).await;
                sender.send(content(1)).await;
            }
        })
        .await
        .expect_err("too slow");
        assert_eq!((error.code, error.retryable), (ErrorCode::StartupTimeout, true), "{error}");
        assert!(error.message.contains("too slowly"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(at_most), "{:?}", begun.elapsed());
        assert_eq!(backend.deleted.load(Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_or_goes_away_is_an_error_and_leaves_no_sandbox() {
    let failure = || Error::new(ErrorCode::InvalidRequest, "it shrank");
    for (last, part) in [(Some(Err(failure())), "it shrank"), (None, "ended early")] {
        let backend = FakeBackend::new(PRINT);
        let error = execute(&backend, |sender| async move {
            sender.send(entry("a")).await;
            if let Some(last) = last {
                sender.send(last).await;
            }
        })
        .await
        .expect_err("no files");
        assert!(error.message.contains(part) && !error.retryable, "{error:?}");
        assert_eq!(backend.deleted.load(Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn files_over_the_disk_limit_are_refused_as_they_come() {
    let error = execute(&FakeBackend::new(PRINT), |sender| async move {
        sender.send(entry("a")).await;
        while sender.send(content(1 << 20)).await {}
    })
    .await
    .expect_err("too large");
    assert_eq!(error.code, ErrorCode::TooLarge);
    assert!(error.message.contains("disk-bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn files_that_were_read_are_not_sent_to_another_sandbox() {
    for (script, part) in
        [(Script::DisconnectAmongFiles, "cannot be sent"), (Script::StallAmongFiles, "did not take")]
    {
        let backend = FakeBackend::new(script);
        let error = execute(&backend, |sender| async move {
            sender.send(entry("a")).await;
            while sender.send(content(1 << 20)).await {}
        })
        .await
        .expect_err("no sandbox");
        assert_eq!((error.code, error.retryable), (ErrorCode::SandboxUnavailable, true), "{error}");
        assert!(error.message.contains(part), "{error}");
        assert_eq!((backend.created.load(Relaxed), backend.deleted.load(Relaxed)), (1, 1));
    }
}
