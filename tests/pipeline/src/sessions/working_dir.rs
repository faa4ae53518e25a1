//! The working directory of a session is made when the session is created.

use super::{
    files::{reply, request},
    peer::{Bench, shell},
};
use cofferdam_core::session::{Ended, Session, SessionConfig, SessionRequest};
use cofferdam_protocol::{FileErrorKind, FileFailure, FileReply, FileRequest, Message};
use cofferdam_types::{Error, ErrorCode};
use std::time::Duration;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

fn in_directory(name: Option<&str>) -> SessionRequest {
    let name = name.map(str::to_owned);
    SessionRequest { name, working_dir: Some("a/b".into()), ..SessionRequest::default() }
}

/// Starts to open a session.
fn open(bench: &Bench, request: SessionRequest) -> JoinHandle<Result<(Session, bool), Error>> {
    let runtime = bench.runtime.clone();
    tokio::spawn(async move { runtime.open_session(request).await })
}

#[tokio::test(start_paused = true)]
async fn it_is_made_before_there_is_a_session_for_anybody() {
    let mut bench = Bench::new(SessionConfig { max_sessions: 2, ..SessionConfig::default() });
    let opening = open(&bench, in_directory(Some("a")));
    let mut peer = bench.peer().await;
    let (channel, asked) = request(&mut peer).await;
    assert_eq!(asked, FileRequest::MakeDirectory(b"a/b".into(), 0o755));
    let other = open(&bench, in_directory(Some("a")));
    // One session, counted once, leaves room for another one.
    let (second, _) = bench.runtime.open_session(SessionRequest::default()).await.expect("a session");
    assert!(!opening.is_finished() && !other.is_finished());
    reply(&peer, channel, &FileReply::Done).await;
    peer.exit(channel, 0).await;
    let (session, is_new) = opening.await.expect("no panic").expect("a session");
    let (same, is_new_again) = other.await.expect("no panic").expect("a session");
    assert_eq!((same.info().id, is_new, is_new_again), (session.info().id, true, false));
    session.start(shell("pwd")).await.expect("an execution");
    let (_, started) = peer.next().await;
    assert!(matches!(started, Message::Execute(command) if command.working_dir == "a/b"));
    second.close().await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn where_it_cannot_be_made_there_is_no_session() {
    let mut bench = Bench::new(SessionConfig { max_sessions: 1, ..SessionConfig::default() });
    let opening = open(&bench, in_directory(Some("a")));
    let mut peer = bench.peer().await;
    let (channel, _) = request(&mut peer).await;
    let failure =
        FileFailure { error: FileErrorKind::PermissionDenied, path: b"a".into(), reason: String::new() };
    reply(&peer, channel, &FileReply::Failed(failure)).await;
    peer.exit(channel, 0).await;
    let error = opening.await.expect("no panic").expect_err("refused");
    assert_eq!(error.code, ErrorCode::Denied);
    assert!(error.message.contains("working directory") && error.message.contains("`a`"), "{error}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!((bench.counts(), bench.runtime.sessions(&[])), ((1, 1), vec![]));
    let named = SessionRequest { working_dir: None, ..in_directory(Some("a")) };
    bench.runtime.open_session(named).await.expect("the name and the place are free");
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_is_given_up_meanwhile_leaves_nothing() {
    let mut bench = Bench::new(SessionConfig::default());
    let given_up = timeout(Duration::from_secs(2), bench.runtime.open_session(in_directory(None))).await;
    assert!(given_up.is_err());
    let mut peer = bench.peer().await;
    request(&mut peer).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((bench.counts(), bench.runtime.sessions(&[])), ((1, 1), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_lost_meanwhile_says_so() {
    let mut bench = Bench::new(SessionConfig::default());
    let opening = open(&bench, in_directory(Some("a")));
    drop(bench.peer().await);
    let error = opening.await.expect("no panic").expect_err("lost");
    assert_eq!(error.code, ErrorCode::Gone);
    assert!(!error.message.contains(&Ended::Closed.to_string()), "{error}");
    let (_, is_new) = open(&bench, SessionRequest { working_dir: None, ..in_directory(Some("a")) })
        .await
        .expect("no panic")
        .expect("a session");
    assert!(is_new);
}
