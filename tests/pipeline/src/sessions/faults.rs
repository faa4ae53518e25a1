//! Runners that fail or are hostile.

use super::peer::{Bench, Peer, code, open, shell};
use cofferdam_core::session::{
    Ended, ExecutionSpec, LostReason, OutputEvent, Session, SessionConfig, SessionExecution, SessionRequest,
};
use cofferdam_protocol::{CONTROL, Frame, SessionEnd, Stream, Termination, encode};
use cofferdam_types::{ErrorCode, RequestedLimits};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::{Instant, sleep};

const VIOLATED: Ended = Ended::Lost(LostReason::ProtocolViolated);

/// The session ends so, with its execution, and another one lives.
async fn assert_ends(bench: &mut Bench, session: Session, ended: Ended) {
    let info = session.info();
    assert_eq!(session.ended().await, ended);
    for execution in session.executions() {
        assert_eq!(execution.end, None);
    }
    session.close().await.expect_err("it has ended otherwise");
    assert_eq!(code(bench.runtime.session(&info.id)), ErrorCode::Gone);
    let (other, mut peer) = bench.open(SessionRequest::default()).await;
    let execution = other.start(shell("true")).await.expect("an execution");
    let channel = peer.started().await;
    peer.exit(channel, 0).await;
    execution.wait().await.expect("an end");
    let (created, deleted) = bench.counts();
    assert_eq!(created, deleted + 1);
}

async fn running() -> (Bench, Session, Peer, u32) {
    let (bench, session, mut peer) = open().await;
    session.start(shell("true")).await.expect("an execution");
    let channel = peer.started().await;
    (bench, session, peer, channel)
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_malformed_too_long_or_unexpected_ends_only_its_session() {
    let output = |length: usize| Frame::Output(Stream::Stdout, vec![0; length]);
    let too_long = Frame::Failed("x".repeat(5 << 10));
    let frame = |channel, frame: &Frame| encode(channel, frame).expect("a frame");
    for (name, bytes) in [
        ("malformed", [1, 0, 0, 0, 32, 0, 1, 0, 0, 0, 0xff].to_vec()),
        ("longer than any", [1, 0, 0, 0, 4, 0, 0xff, 0xff, 0xff, 0x7f].to_vec()),
        ("too long for output", frame(1, &output((64 << 10) + 1))),
        ("a long reason", frame(1, &too_long)),
        ("empty output", frame(1, &output(0))),
        ("no such channel", frame(2, &output(1))),
        ("output of control", frame(CONTROL, &output(1))),
        ("an answer to nothing", frame(CONTROL, &Frame::Ready)),
        ("usage of an execution", frame(1, &Frame::Usage(super::peer::USAGE))),
        ("the end of nothing", frame(1, &Frame::Done)),
        ("background before the end", frame(1, &Frame::Background(1))),
        ("a tail of nothing", frame(1, &Frame::Tail(Stream::Stdout, 1, vec![1]))),
        ("a file", frame(1, &Frame::File("a".into(), 0o644, vec![]))),
        ("two starts", [frame(1, &Frame::Started), frame(1, &Frame::Started)].concat()),
        ("a process before the start", frame(1, &Frame::Process(1))),
    ] {
        let (mut bench, session, peer, _) = running().await;
        peer.send_bytes(bytes).await;
        assert_eq!(session.ended().await, VIOLATED, "{name}");
        assert_ends(&mut bench, session, VIOLATED).await;
    }
}

#[tokio::test(start_paused = true)]
async fn more_output_than_the_limit_ends_the_session() {
    let (mut bench, session, mut peer) = open().await;
    let limits = RequestedLimits { output_bytes: Some(4), ..RequestedLimits::default() };
    session.start(ExecutionSpec { limits, ..shell("yes") }).await.expect("an execution");
    let channel = peer.started().await;
    peer.send(channel, &Frame::Output(Stream::Stdout, vec![0; 5])).await;
    assert_ends(&mut bench, session, VIOLATED).await;
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_is_gone_leaves_no_exit_code() {
    let (mut bench, session, peer, channel) = running().await;
    let execution = session.execution(&session.executions()[0].id).expect("the execution");
    let mut reader = execution.output(0);
    peer.send(channel, &Frame::Output(Stream::Stdout, b"a".into())).await;
    peer.send(channel, &Frame::Terminated(Termination::Exited(0), Duration::ZERO)).await;
    let first = reader.next().await;
    assert!(matches!(first, Some(OutputEvent::Output { .. })), "{first:?}");
    drop(peer);
    let error = execution.wait().await.expect_err("no result");
    assert_eq!(error.code, ErrorCode::Gone);
    assert!(error.message.contains("evicted"), "{error}");
    assert_eq!(code(execution.report().await), ErrorCode::Gone);
    assert_eq!(reader.next().await, Some(OutputEvent::End(Err(error))));
    assert_ends(&mut bench, session, Ended::Lost(LostReason::Evicted)).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_runner_says_of_the_end_is_the_reason() {
    for (end, ended) in [
        (SessionEnd::Expired, Ended::Expired),
        (SessionEnd::Idle, Ended::Idle),
        (SessionEnd::Unattended, Ended::Lost(LostReason::Unattended)),
        (SessionEnd::Unkillable, Ended::Lost(LostReason::Unkillable)),
    ] {
        let (mut bench, session, peer, _) = running().await;
        peer.send(CONTROL, &Frame::SessionEnded(end)).await;
        assert_ends(&mut bench, session, ended).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_does_not_answer_is_noticed() {
    let (mut bench, session, _peer) = open().await;
    bench.backend.answers.store(false, Relaxed);
    assert_eq!(session.ended().await, Ended::Lost(LostReason::NotResponding));
    bench.backend.answers.store(true, Relaxed);
    assert_ends(&mut bench, session, Ended::Lost(LostReason::NotResponding)).await;
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_does_not_keep_the_wall_time_or_a_kill_is_ended() {
    let (mut bench, session, mut peer) = open().await;
    let limits = RequestedLimits { wall_time_ms: Some(20_000), ..RequestedLimits::default() };
    session.start(ExecutionSpec { limits, ..shell("sleep") }).await.expect("an execution");
    let channel = peer.started().await;
    peer.process(channel, 1).await;
    let started = Instant::now();
    assert_eq!(session.ended().await, Ended::Lost(LostReason::NotResponding));
    assert!((20..27).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_ends(&mut bench, session, Ended::Lost(LostReason::NotResponding)).await;

    let (mut bench, session, mut peer) = open().await;
    let spec = ExecutionSpec { background: true, ..shell("server") };
    let server = session.start(spec).await.expect("an execution");
    let channel = peer.started().await;
    peer.process(channel, 1).await;
    sleep(Duration::from_secs(300)).await;
    server.kill().await.expect("a kill");
    assert_ends(&mut bench, session, Ended::Lost(LostReason::NotResponding)).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_silent_while_it_is_made_again_is_no_late_runner() {
    let mut bench = Bench::new(SessionConfig::default());
    bench.backend.max_silence.store(60, Relaxed);
    let (session, mut peer) = bench.open(SessionRequest::default()).await;
    let limits = RequestedLimits { wall_time_ms: Some(1000), ..RequestedLimits::default() };
    let start = async |peer: &mut Peer| {
        let spec = ExecutionSpec { limits, ..shell("true") };
        let execution = session.start(spec).await.expect("an execution");
        let channel = peer.started().await;
        peer.process(channel, 1).await;
        (execution, channel)
    };
    let (execution, channel) = start(&mut peer).await;
    bench.backend.answers.store(false, Relaxed);
    sleep(Duration::from_secs(50)).await;
    peer.exit(channel, 0).await;
    assert!(execution.wait().await.is_ok());
    peer.send(CONTROL, &Frame::Ready).await;
    bench.backend.answers.store(true, Relaxed);
    // One that answers, and not with what is due, is late.
    start(&mut peer).await;
    let begin = Instant::now();
    assert_eq!(session.ended().await, Ended::Lost(LostReason::NotResponding));
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_start_is_known_when_there_is_a_process_or_never_will_be() {
    let (_bench, session, mut peer) = open().await;
    let start = async |line| session.start(shell(line)).await.expect("an execution");
    let wait = |execution: SessionExecution| tokio::spawn(async move { execution.wait_for_start().await });
    let started = wait(start("server").await);
    let channel = peer.started().await;
    sleep(Duration::from_secs(20)).await;
    assert!(!started.is_finished());
    peer.process(channel, 1).await;
    assert_eq!(started.await.expect("no panic"), Ok(()));
    let failed = wait(start("broken").await);
    let channel = peer.started().await;
    peer.send(channel, &Frame::Failed("no such program".into())).await;
    assert_eq!(code(failed.await.expect("no panic")), ErrorCode::Conflict);
    let late = wait(start("late").await);
    peer.started().await;
    let begun = Instant::now();
    assert_eq!(code(late.await.expect("no panic")), ErrorCode::Gone);
    assert!((30..37).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_opens_no_session_is_an_error_within_the_startup_time() {
    let bench = Bench::new(SessionConfig::default());
    let limits = RequestedLimits { startup_time_ms: Some(500), ..RequestedLimits::default() };
    let opened = bench.runtime.open_session(SessionRequest { limits, ..SessionRequest::default() }).await;
    assert_eq!(code(opened), ErrorCode::StartupTimeout);
    assert_eq!(bench.counts(), (0, 0));
}
