//! The output of executions, and its readers.

use super::peer::{Bench, open, shell};
use cofferdam_core::{
    quantity::Bytes,
    session::{ExecutionSpec, OutputEvent, OutputReader, SessionConfig, SessionRequest},
};
use cofferdam_protocol::{Frame, Message, Stream};
use cofferdam_types::RequestedLimits;
use std::time::Duration;
use tokio::time::sleep;

fn out(text: impl Into<Vec<u8>>) -> Frame {
    Frame::Output(Stream::Stdout, text.into())
}

/// The bytes up to the end, and the other events before it.
async fn drain(reader: &mut OutputReader) -> (Vec<u8>, Vec<OutputEvent>) {
    let (mut all, mut others) = (Vec::new(), Vec::new());
    while let Some(event) = reader.next().await {
        match event {
            OutputEvent::Output { bytes, .. } => all.extend(bytes),
            OutputEvent::End(end) => assert!(end.is_ok(), "{end:?}"),
            other => others.push(other),
        }
    }
    (all, others)
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reader_holds_up_nobody_and_a_new_one_continues_at_its_position() {
    let (_bench, session, mut peer) = open().await;
    let execution = session.start(shell("cat")).await.expect("an execution");
    let channel = peer.started().await;
    let mut stalled = execution.output(0);
    let mut good = execution.output(0);
    // More than a runner may send without credit.
    let chunk = vec![b'x'; 60 << 10];
    for _ in 0..40 {
        peer.send(channel, &out(chunk.clone())).await;
    }
    let mut bytes = 0;
    while bytes < 40 * chunk.len() {
        match good.next().await {
            Some(OutputEvent::Output { position, bytes: more, .. }) => {
                assert_eq!(position, bytes as u64);
                bytes += more.len();
            }
            other => panic!("{other:?}"),
        }
    }
    let credit = |message| match message {
        (of, Message::Credit(credit)) if of == channel => credit as usize,
        other => panic!("{other:?}"),
    };
    let credits: usize = peer.arrived().await.into_iter().map(credit).sum();
    assert!((bytes - (1 << 20)..=bytes).contains(&credits), "{credits}");
    let mut later = execution.output(good.position() - 3);
    peer.send(channel, &out("end")).await;
    peer.exit(channel, 0).await;
    assert_eq!(drain(&mut later).await, (b"xxxend".to_vec(), vec![]));
    assert_eq!(drain(&mut good).await.0, b"end");
    let (all, _) = drain(&mut stalled).await;
    assert!(all.len() == bytes + 3 && all.ends_with(b"xend"));
    assert_eq!(stalled.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn of_a_background_execution_the_last_bytes_are_kept_and_the_rest_is_a_gap() {
    let config = SessionConfig { retained_output_bytes: Bytes(10), ..SessionConfig::default() };
    let mut bench = Bench::new(config);
    let (session, mut peer) = bench.open(SessionRequest::default()).await;
    let spec = ExecutionSpec { background: true, ..shell("server") };
    let execution = session.start(spec).await.expect("an execution");
    let channel = peer.started().await;
    peer.send(channel, &out("0123456789")).await;
    peer.send(channel, &Frame::Output(Stream::Stderr, b"abc".into())).await;
    peer.exit(channel, 0).await;
    let report = execution.report().await.expect("a report");
    assert_eq!(
        (&*report.stdout.bytes, report.stdout.length, report.stdout.cut),
        (&b"3456789"[..], 10, Some(0))
    );
    assert_eq!((&*report.stderr.bytes, report.stderr.cut), (&b"abc"[..], None));
    let gap = OutputEvent::Gap { bytes: 3 };
    assert_eq!(drain(&mut execution.output(0)).await, (b"3456789abc".to_vec(), vec![gap]));
    assert_eq!(drain(&mut execution.output(12)).await, (b"c".to_vec(), vec![]));
}

#[tokio::test(start_paused = true)]
async fn output_above_the_limit_is_truncated_in_the_middle() {
    let (_bench, session, mut peer) = open().await;
    let limits = RequestedLimits { output_bytes: Some(4), ..RequestedLimits::default() };
    let execution = session.start(ExecutionSpec { limits, ..shell("yes") }).await.expect("an execution");
    let channel = peer.started().await;
    peer.send(channel, &out("abcd")).await;
    peer.send(channel, &Frame::Truncated(Stream::Stdout)).await;
    peer.send(channel, &Frame::Output(Stream::Stderr, b"e".into())).await;
    peer.send(channel, &Frame::Tail(Stream::Stdout, 9, b"hi".into())).await;
    peer.exit(channel, 0).await;
    let report = execution.report().await.expect("a report");
    assert_eq!((&*report.stdout.bytes, report.stdout.length, report.stdout.cut), (&b"abhi"[..], 9, Some(2)));
    let truncated = OutputEvent::Truncated { stream: Stream::Stdout };
    assert_eq!(drain(&mut execution.output(0)).await, (b"abcde".to_vec(), vec![truncated]));
}

#[tokio::test(start_paused = true)]
async fn the_output_of_old_executions_is_dropped_first() {
    let config = SessionConfig { ended_output_bytes: Bytes(45), ..SessionConfig::default() };
    let mut bench = Bench::new(config);
    let (session, mut peer) = bench.open(SessionRequest::default()).await;
    for id in ["a", "b", "c"] {
        let spec = ExecutionSpec { id: Some(id.into()), ..shell("true") };
        let execution = session.start(spec).await.expect("an execution");
        let channel = peer.started().await;
        peer.send(channel, &out("0123456789")).await;
        peer.exit(channel, 0).await;
        assert_eq!(execution.report().await.expect("a report").stdout.bytes.len(), 10);
    }
    // Without another execution.
    sleep(Duration::from_millis(1)).await;
    let ids: Vec<_> = session.executions().into_iter().map(|info| info.id).collect();
    assert_eq!(ids, ["b", "c"]);
}
