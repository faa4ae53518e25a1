//! Files of a session.

use super::peer::{Bench, Peer, code, open};
use bytes::Bytes;
use cofferdam_core::session::{
    ChangeKind, Ended, EntryKind, FileChange, FileEntry, FileKind, Files, InputEntry, LostReason, Session,
    TreePart,
};
use cofferdam_protocol::{
    CONTROL, Call, Decoder, FileErrorKind, FileFailure, FileReply, FileRequest, Frame, Message, Stream,
    Termination, encode,
};
use cofferdam_types::ErrorCode;
use std::time::Duration;
use tokio::time::sleep;

fn entry(path: &str, kind: FileKind) -> FileEntry {
    FileEntry {
        path: path.into(),
        kind,
        size: 3,
        mode: 0o644,
        modified: Duration::from_secs(1),
        target: vec![],
    }
}

pub(super) async fn request(peer: &mut Peer) -> (u32, FileRequest) {
    match peer.next().await {
        (channel, Message::Execute(command)) => match command.call {
            Call::Files(request) => (channel, request),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub(super) async fn reply(peer: &Peer, channel: u32, reply: &FileReply) {
    let bytes = encode(CONTROL, reply).expect("a short reply");
    peer.send(channel, &Frame::Output(Stream::Stdout, bytes)).await;
}

/// Starts a call, answers it so, and gives what it asked for and its result.
async fn answered<T, F>(call: impl FnOnce(Files) -> F, replies: &[FileReply]) -> (FileRequest, T, Bench)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (bench, session, mut peer) = open().await;
    let call = tokio::spawn(call(session.files()));
    let (channel, request) = request(&mut peer).await;
    for part in replies {
        reply(&peer, channel, part).await;
    }
    peer.exit(channel, 0).await;
    (request, call.await.expect("no panic"), bench)
}

#[tokio::test(start_paused = true)]
async fn a_step_has_its_answer() {
    let found = entry("/work/a", FileKind::File);
    let replies = [FileReply::Entry(found.clone()), FileReply::Done];
    let (request, stat, _bench) = answered(|files| async move { files.stat(b"a").await }, &replies).await;
    assert_eq!((request, stat), (FileRequest::Stat(b"a".into()), Ok(found)));

    let entries = [entry("a", FileKind::File), entry("b", FileKind::Directory)];
    let replies = [entries.clone().map(FileReply::Entry).to_vec(), vec![FileReply::Done]].concat();
    let (request, list, _bench) = answered(|files| async move { files.list(b".", 2).await }, &replies).await;
    assert_eq!((request, list), (FileRequest::List(b".".into(), 2), Ok(entries.to_vec())));

    let moved = answered(|files| async move { files.move_file(b"a", b"b").await }, &[FileReply::Done]).await;
    assert_eq!((moved.0, moved.1), (FileRequest::Move(b"a".into(), b"b".into()), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_failure_has_a_code_and_names_the_path() {
    for (error, expected) in [
        (FileErrorKind::NotFound, ErrorCode::NotFound),
        (FileErrorKind::IsDirectory, ErrorCode::InvalidRequest),
        (FileErrorKind::Exists, ErrorCode::Conflict),
        (FileErrorKind::DiskFull, ErrorCode::TooLarge),
        (FileErrorKind::PermissionDenied, ErrorCode::Denied),
    ] {
        let failure = FileFailure { error, path: b"x\xff\x1b".into(), reason: "why".into() };
        let (_, result, _bench) =
            answered(|files| async move { files.remove(b"x").await }, &[FileReply::Failed(failure)]).await;
        let refused = result.expect_err("a failure");
        assert_eq!(refused.code, expected, "{refused}");
        assert!(
            refused.message.contains("`x\u{fffd}\u{fffd}`") && refused.message.contains("(why)"),
            "{refused}"
        );
    }
    let (_bench, session, mut peer) = open().await;
    for path in [&b""[..], b"a\0b", &[b'a'; 5000]] {
        assert_eq!(code(session.files().stat(path).await), ErrorCode::InvalidRequest);
    }
    assert_eq!(peer.arrived().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_as_fast_as_its_reader_takes_it() {
    let (_bench, session, mut peer) = open().await;
    let files = session.files();
    let reading = tokio::spawn(async move { files.read(b"a").await });
    let (channel, _) = request(&mut peer).await;
    reply(&peer, channel, &FileReply::Entry(entry("/work/a", FileKind::File))).await;
    let (_, mut reader) = reading.await.expect("no panic").expect("a reader");
    let part = vec![7; 60 << 10];
    for _ in 0..17 {
        reply(&peer, channel, &FileReply::Content(part.clone())).await;
    }
    assert_eq!(peer.arrived().await, [], "no credit before something is read");
    for _ in 0..17 {
        assert_eq!(reader.next().await, Ok(Some(Bytes::from(part.clone()))));
    }
    assert!(matches!(&peer.arrived().await[..], [(of, Message::Credit(512_000..))] if *of == channel));
    reply(&peer, channel, &FileReply::Done).await;
    peer.exit(channel, 0).await;
    assert_eq!((reader.next().await, reader.next().await), (Ok(None), Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn more_than_the_credit_of_a_file_call_ends_the_session() {
    let (_bench, session, mut peer) = open().await;
    let files = session.files();
    let reading = tokio::spawn(async move { files.read(b"a").await });
    let (channel, _) = request(&mut peer).await;
    reply(&peer, channel, &FileReply::Entry(entry("/work/a", FileKind::File))).await;
    let _reader = reading.await.expect("no panic").expect("a reader");
    for _ in 0..18 {
        peer.send(channel, &Frame::Output(Stream::Stdout, vec![7; 60 << 10])).await;
    }
    assert_eq!(session.ended().await, Ended::Lost(LostReason::ProtocolViolated));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_or_not_read_is_killed_and_the_session_lives() {
    let (_bench, session, mut peer) = open().await;
    let files = session.files();
    let reading = tokio::spawn(async move { files.read(b"a").await });
    let (channel, _) = request(&mut peer).await;
    reading.abort();
    assert_eq!(peer.next().await, (channel, Message::Kill));
    peer.terminate(channel, Termination::Cancelled).await;

    let files = session.files();
    let reading = tokio::spawn(async move { files.read(b"a").await });
    let (channel, _) = request(&mut peer).await;
    reply(&peer, channel, &FileReply::Entry(entry("/work/a", FileKind::File))).await;
    let (_, mut reader) = reading.await.expect("no panic").expect("a reader");
    reply(&peer, channel, &FileReply::Content(vec![1; 3])).await;
    sleep(Duration::from_secs(902)).await;
    assert_eq!(peer.next().await, (channel, Message::Kill));
    peer.terminate(channel, Termination::Cancelled).await;
    let error = reader.next().await.expect_err("too slow");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("the read of the file `a` took longer than 900 s"), "{error}");
    session.usage().await.expect("the session lives");
}

#[tokio::test(start_paused = true)]
async fn a_file_is_written_in_parts_and_there_when_it_is_finished() {
    let (_bench, session, mut peer) = open().await;
    let mut writer = session.files().write(b"a", Some(0o600)).await.expect("a writer");
    let (channel, request) = request(&mut peer).await;
    assert_eq!(request, FileRequest::Write(b"a".into(), Some(0o600)));
    writer.write(vec![1; 100 << 10].into()).await.expect("written");
    let lengths = peer.arrived().await.into_iter().map(|(_, message)| match message {
        Message::Stdin(bytes) => bytes.len(),
        other => panic!("{other:?}"),
    });
    assert!(lengths.eq([64 << 10, 36 << 10]));
    let finishing = tokio::spawn(writer.finish());
    assert_eq!(peer.next().await, (channel, Message::CloseStdin));
    assert!(!finishing.is_finished());
    reply(&peer, channel, &FileReply::Done).await;
    assert_eq!(finishing.await.expect("no panic"), Ok(()));
    peer.exit(channel, 0).await;
    assert_eq!(peer.arrived().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_says_why_while_it_is_written() {
    let (_bench, session, mut peer) = open().await;
    let mut writer = session.files().write(b"a", None).await.expect("a writer");
    let (channel, _) = request(&mut peer).await;
    let failure = FileFailure { error: FileErrorKind::DiskFull, path: b"a".into(), reason: String::new() };
    let writing = tokio::spawn(async move {
        loop {
            if let Err(error) = writer.write(vec![1; 100 << 10].into()).await {
                return error;
            }
        }
    });
    while peer.arrived().await.len() < 4 {}
    reply(&peer, channel, &FileReply::Failed(failure)).await;
    peer.exit(channel, 1).await;
    assert_eq!(writing.await.expect("no panic").code, ErrorCode::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_its_runner_ends_for_its_time_is_named() {
    let (_bench, session, mut peer) = open().await;
    let files = session.files();
    let removing = tokio::spawn(async move { files.remove(b"d").await });
    let (channel, _) = request(&mut peer).await;
    peer.terminate(channel, Termination::TimedOut).await;
    let error = removing.await.expect("no panic").expect_err("too slow");
    assert!(error.message.contains("the removal of `d` took longer than 60 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_bytes_do_not_come_fails_at_the_end_of_its_session() {
    let (_bench, session, mut peer) = open().await;
    let mut writer = session.files().write(b"a", None).await.expect("a writer");
    request(&mut peer).await;
    let failing = tokio::spawn(async move { writer.failure().await });
    assert_eq!(peer.arrived().await, []);
    session.close().await.expect("closed");
    assert_eq!(failing.await.expect("no panic").code, ErrorCode::Gone);
}

#[tokio::test(start_paused = true)]
async fn trees_are_read_and_written() {
    let parts = [
        FileReply::Entry(entry("d", FileKind::Directory)),
        FileReply::Entry(entry("d/a", FileKind::File)),
        FileReply::Content(b"abc".into()),
        FileReply::Done,
    ];
    let read = |files: Files| async move {
        let mut tree = files.read_tree(b".").await?;
        let mut parts = Vec::new();
        while let Some(part) = tree.next().await? {
            parts.push(part);
        }
        Ok::<_, cofferdam_types::Error>(parts)
    };
    let (_, tree, _bench) = answered(read, &parts).await;
    let expected = [
        TreePart::Entry(entry("d", FileKind::Directory)),
        TreePart::Entry(entry("d/a", FileKind::File)),
        TreePart::Content(Bytes::from_static(b"abc")),
    ];
    assert_eq!(tree.as_deref(), Ok(&expected[..]));

    let (_bench, session, mut peer) = open().await;
    let mut writer = session.files().write_tree(b"out").await.expect("a writer");
    let (channel, _) = request(&mut peer).await;
    let file = InputEntry { path: "a".into(), kind: EntryKind::File(0o644) };
    writer.entry(file.clone()).await.expect("written");
    writer.content(Bytes::from_static(b"abc")).await.expect("written");
    let mut decoder = Decoder::default();
    for (_, message) in peer.arrived().await {
        let Message::Stdin(bytes) = message else { panic!("{message:?}") };
        decoder.push(&bytes);
    }
    assert_eq!(decoder.next(), Ok(Some((CONTROL, Message::Entry(file)))));
    assert_eq!(decoder.next(), Ok(Some((CONTROL, Message::Content(b"abc".into())))));
    reply(&peer, channel, &FileReply::Done).await;
    let early = writer.finish().await;
    assert_eq!(early, Ok(()), "the answer may overtake the end of the input");
}

#[tokio::test(start_paused = true)]
async fn changes_are_watched_until_the_watch_is_dropped() {
    let (_bench, session, mut peer) = open().await;
    let files = session.files();
    let watching = tokio::spawn(async move { files.watch(b".", true).await });
    let (channel, _) = request(&mut peer).await;
    reply(&peer, channel, &FileReply::Done).await;
    let mut watch = watching.await.expect("no panic").expect("a watch");
    reply(&peer, channel, &FileReply::Change(ChangeKind::Created, b"a".into())).await;
    reply(&peer, channel, &FileReply::Overflow).await;
    let created = FileChange::Changed { kind: ChangeKind::Created, path: b"a".into() };
    assert_eq!(watch.next().await, Some(Ok(created)));
    assert_eq!(watch.next().await, Some(Ok(FileChange::Overflow)));
    sleep(Duration::from_secs(1000)).await;
    drop(watch);
    assert_eq!(peer.next().await, (channel, Message::Kill));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_none_to_the_call_ends_the_session() {
    async fn ends(session: &Session) {
        assert_eq!(session.ended().await, Ended::Lost(LostReason::ProtocolViolated));
    }
    for bytes in [encode(CONTROL, &FileReply::Overflow).expect("a reply"), vec![0xff; 10]] {
        let (_bench, session, mut peer) = open().await;
        let files = session.files();
        let call = tokio::spawn(async move { files.stat(b"a").await });
        let (channel, _) = request(&mut peer).await;
        peer.send(channel, &Frame::Output(Stream::Stdout, bytes)).await;
        assert_eq!(code(call.await.expect("no panic")), ErrorCode::Gone);
        ends(&session).await;
    }
}
