//! Executions of a session.

use super::peer::{USAGE, code, open, shell};
use cofferdam_core::session::{
    ExecutionCall, ExecutionEnd, ExecutionSpec, OutputEvent, StdinSpec, TerminalSize,
};
use cofferdam_protocol::{Call, Frame, Message, STDIN_WINDOW, Stream, Termination};
use cofferdam_types::{ErrorCode, RequestedLimits, Status};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn executions_at_once_have_each_their_own_output_and_end() {
    let (_bench, session, mut peer) = open().await;
    let one = session.start(shell("one")).await.expect("an execution");
    let other = session.start(shell("other")).await.expect("an execution");
    let (first, second) = (peer.started().await, peer.started().await);
    assert_ne!(first, second);
    peer.process(second, 12).await;
    peer.process(first, 11).await;
    for (channel, stream, text) in [
        (second, Stream::Stdout, "b"),
        (first, Stream::Stderr, "a"),
        (second, Stream::Stdout, "b"),
        (first, Stream::Stdout, "A"),
    ] {
        peer.send(channel, &Frame::Output(stream, text.into())).await;
    }
    peer.send(second, &Frame::Terminated(Termination::Exited(7), Duration::from_secs(3))).await;
    peer.send(second, &Frame::Background(2)).await;
    peer.send(second, &Frame::Done).await;
    peer.exit(first, 0).await;
    let report = one.report().await.expect("a report");
    assert_eq!(
        (report.status, &*report.stdout.bytes, &*report.stderr.bytes),
        (Status::Exited(0), &b"A"[..], &b"a"[..])
    );
    let end = ExecutionEnd { status: Status::Exited(7), run_time: Duration::from_secs(3), left_running: 2 };
    assert_eq!(other.wait().await, Ok(end));
    assert_eq!(other.report().await.expect("a report").stdout.bytes, b"bb");
    let list = session.executions();
    assert_eq!(
        list.iter().map(|info| (&*info.command, info.pid)).collect::<Vec<_>>(),
        [("one", Some(11)), ("other", Some(12))]
    );
    assert_eq!((list[1].end, session.info().executions), (Some(end), 0));
    assert_eq!(session.execution(&list[1].id).expect("the execution").wait().await, Ok(end));
    assert_eq!(code(session.execution("exec-0")), ErrorCode::NotFound);
    assert_eq!(session.usage().await, Ok(USAGE));
}

#[tokio::test(start_paused = true)]
async fn a_command_has_what_the_session_and_its_specification_say() {
    let mut bench = super::peer::Bench::new(cofferdam_core::session::SessionConfig::default());
    let env = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = cofferdam_core::session::SessionRequest {
        env: vec![env("A", "1"), env("B", "1")],
        ..Default::default()
    };
    let (session, mut peer) = bench.open(request).await;
    let call = ExecutionCall::Code { language: None, code: "print(1)".into(), args: vec!["x".into()] };
    let limits = RequestedLimits { wall_time_ms: Some(2000), ..RequestedLimits::default() };
    let spec = ExecutionSpec { env: vec![env("B", "2")], limits, ..ExecutionSpec::new(call) };
    session.start(spec).await.expect("an execution");
    let (_, Message::Execute(command)) = peer.next().await else { panic!("no execution") };
    assert_eq!((command.env, &*command.working_dir), (vec![env("A", "1"), env("B", "2")], "/work"));
    assert!(
        matches!(command.call, Call::Code { interpreter, args, .. } if interpreter[0] == "python3" && args == ["x"])
    );
    assert_eq!(command.limits.wall_time, Some(Duration::from_secs(2)));
    assert!(command.limits.output_bytes.is_some() && !command.has_stdin);
    let spec = ExecutionSpec { background: true, stdin: StdinSpec::Open, ..shell("sleep 9") };
    session.start(spec).await.expect("an execution");
    let (_, Message::Execute(command)) = peer.next().await else { panic!("no execution") };
    assert_eq!(
        (command.limits.wall_time, command.limits.output_bytes, command.has_stdin),
        (None, None, true)
    );
}

#[tokio::test(start_paused = true)]
async fn standard_input_waits_for_credit_and_holds_up_no_other_execution() {
    let (_bench, session, mut peer) = open().await;
    let spec = ExecutionSpec { stdin: StdinSpec::Open, ..shell("cat") };
    let cat = session.start(spec).await.expect("an execution");
    let channel = peer.started().await;
    let whole: Vec<u8> = (0..300 << 10).map(|number: u32| number.to_le_bytes()[0]).collect();
    let writing = tokio::spawn({
        let (cat, whole) = (cat.clone(), whole.clone());
        async move { cat.write_stdin(whole).await }
    });
    let input = |messages: Vec<(u32, Message)>| -> Vec<u8> {
        let bytes = messages.into_iter().map(|(of, message)| match message {
            Message::Stdin(bytes) if of == channel && bytes.len() <= 64 << 10 => bytes,
            other => panic!("{other:?}"),
        });
        bytes.collect::<Vec<_>>().concat()
    };
    let mut received = input(peer.arrived().await);
    assert_eq!((received.len(), writing.is_finished()), (STDIN_WINDOW as usize, false));
    session.start(shell("true")).await.expect("an execution");
    peer.started().await;
    peer.send(channel, &Frame::Credit(1 << 20)).await;
    writing.await.expect("no panic").expect("written");
    received.extend(input(peer.arrived().await));
    assert!(received == whole);
    cat.close_stdin().await.expect("closed");
    assert_eq!(peer.next().await, (channel, Message::CloseStdin));
    assert_eq!(code(cat.write_stdin(vec![1]).await), ErrorCode::Conflict);
    assert_eq!(code(cat.close_stdin().await), ErrorCode::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_given_up_costs_no_credit() {
    let (_bench, session, mut peer) = open().await;
    let cat =
        session.start(ExecutionSpec { stdin: StdinSpec::Open, ..shell("cat") }).await.expect("an execution");
    let channel = peer.started().await;
    for _ in 0..100 {
        tokio::select! {
            biased;
            written = cat.write_stdin(vec![0; 1 << 20]) => panic!("{written:?}"),
            () = std::future::ready(()) => {}
        }
    }
    let sent: usize = peer
        .arrived()
        .await
        .iter()
        .map(|(_, message)| match message {
            Message::Stdin(bytes) => bytes.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(sent, STDIN_WINDOW as usize);
    peer.send(channel, &Frame::Credit(5)).await;
    cat.write_stdin(b"12345".into()).await.expect("written");
    assert_eq!(peer.next().await, (channel, Message::Stdin(b"12345".into())));
}

#[tokio::test(start_paused = true)]
async fn given_standard_input_is_sent_and_ends_and_none_is_closed() {
    let (_bench, session, mut peer) = open().await;
    let spec = ExecutionSpec { stdin: StdinSpec::Bytes(b"in".into()), ..shell("cat") };
    session.start(spec).await.expect("an execution");
    let channel = peer.started().await;
    assert_eq!(peer.next().await, (channel, Message::Stdin(b"in".into())));
    assert_eq!(peer.next().await, (channel, Message::CloseStdin));
    let without = session.start(shell("cat")).await.expect("an execution");
    assert_eq!(code(without.write_stdin(vec![1]).await), ErrorCode::Conflict);
}

#[tokio::test(start_paused = true)]
async fn an_execution_is_controlled_while_it_runs_and_not_after_its_end() {
    let (_bench, session, mut peer) = open().await;
    let size = TerminalSize { columns: 80, rows: 24 };
    let spec = ExecutionSpec { terminal: Some(size), stdin: StdinSpec::Open, ..shell("vi") };
    let execution = session.start(spec).await.expect("an execution");
    let channel = peer.started().await;
    execution.signal(15).await.expect("a signal");
    execution.resize(size).await.expect("a size");
    assert_eq!(peer.next().await, (channel, Message::Signal(15)));
    assert_eq!(peer.next().await, (channel, Message::Resize(size)));
    assert_eq!(code(execution.signal(0).await), ErrorCode::InvalidRequest);
    execution.kill().await.expect("a kill");
    assert_eq!(peer.next().await, (channel, Message::Kill));
    peer.terminate(channel, Termination::Cancelled).await;
    assert_eq!(execution.wait().await.map(|end| end.status), Ok(Status::Cancelled));
    assert_eq!(code(execution.signal(15).await), ErrorCode::Conflict);
    assert_eq!(code(execution.kill().await), ErrorCode::Conflict);
    assert_eq!(code(execution.resize(size).await), ErrorCode::Conflict);
    assert_eq!(code(execution.write_stdin(vec![1]).await), ErrorCode::Conflict);
    assert_eq!(peer.arrived().await, []);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_used_once_and_what_is_refused_is_not_executed() {
    let (_bench, session, mut peer) = open().await;
    let named = |id: &str| ExecutionSpec { id: Some(id.into()), ..shell("true") };
    assert_eq!(session.start(named("a")).await.expect("an execution").info().id, "a");
    let channel = peer.started().await;
    assert_eq!(code(session.start(named("a")).await), ErrorCode::Conflict);
    peer.exit(channel, 0).await;
    assert_eq!(code(session.start(named("a")).await), ErrorCode::Conflict);
    assert_eq!(code(session.start(named("a b")).await), ErrorCode::InvalidRequest);
    let memory = RequestedLimits { memory_bytes: Some(1 << 40), ..RequestedLimits::default() };
    assert_eq!(code(session.start(ExecutionSpec { limits: memory, ..shell("a") }).await), ErrorCode::Denied);
    let disk = RequestedLimits { disk_bytes: Some(1), ..RequestedLimits::default() };
    assert_eq!(
        code(session.start(ExecutionSpec { limits: disk, ..shell("a") }).await),
        ErrorCode::InvalidRequest
    );
    assert_eq!(peer.arrived().await, []);
}

#[tokio::test(start_paused = true)]
async fn no_more_executions_run_at_once_than_may() {
    let (_bench, session, mut peer) = open().await;
    let maximum = cofferdam_core::session::SessionConfig::default().max_executions;
    for _ in 0..maximum {
        session.start(shell("sleep 9")).await.expect("an execution");
    }
    let named = ExecutionSpec { id: Some("a".into()), ..shell("true") };
    assert_eq!(code(session.start(named.clone()).await), ErrorCode::Quota);
    let first = peer.started().await;
    peer.exit(first, 0).await;
    let oldest = session.execution(&session.executions()[0].id).expect("an execution");
    oldest.wait().await.expect("an end");
    session.start(named).await.expect("an execution with the same id");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_started_says_why() {
    let (_bench, session, mut peer) = open().await;
    let execution = session.start(shell("a")).await.expect("an execution");
    let channel = peer.started().await;
    peer.send(channel, &Frame::Failed("no such program".into())).await;
    let error = execution.wait().await.expect_err("an error");
    assert!(error.message.contains("no such program"), "{error}");
    assert_eq!(execution.output(0).next().await, Some(OutputEvent::End(Err(error))));
}
