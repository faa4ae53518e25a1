//! Tests of the assembler.

mod protocol;

use super::*;
use crate::policy::Policy;
use cofferdam_protocol::Hello;
use proptest::prelude::*;

/// Accepts two small files of any name, and this number of bytes of each stream.
fn assembler(limit: u64) -> OutputAssembler {
    let limits = Policy::default().defaults;
    let limits = Limits { output_bytes: limit, collected_files: 2, collected_bytes: 8, ..limits };
    OutputAssembler::new(&limits, &["*".to_owned()], false)
}

/// The bytes of a frame on the channel that it belongs to.
fn encode(frame: &Frame) -> Vec<u8> {
    let channel = if matches!(frame, Frame::Hello(_) | Frame::Ready) { CONTROL } else { EXECUTION };
    encode_on(channel, frame)
}

fn encode_on(channel: u32, frame: &Frame) -> Vec<u8> {
    cofferdam_protocol::encode(channel, frame).expect("a short frame")
}

fn hello() -> Frame {
    Frame::Hello(Hello::of_this_version(&[]))
}

/// The events without output, the reported standard output, and the result.
fn assemble(limit: u64, frames: &[Frame]) -> (Vec<String>, Vec<u8>, Assembled) {
    let mut assembler = assembler(limit);
    let (mut events, mut reported) = (vec![], vec![]);
    for frame in frames {
        assembler.push(&encode(frame));
        while let Some(event) = assembler.next_event().expect("frames") {
            match event {
                Event::Output(Stream::Stdout, bytes) => reported.extend(bytes),
                Event::Output(Stream::Stderr, _) => {}
                event => events.push(format!("{event:?}")),
            }
        }
    }
    (events, reported, assembler.finish())
}

/// The result of a running program with these frames.
fn collect(limit: u64, frames: &[Frame]) -> Assembled {
    assemble(limit, &running(frames)).2
}

fn running(frames: &[Frame]) -> Vec<Frame> {
    [&[hello(), Frame::Started], frames].concat()
}

fn stdout(bytes: &[u8]) -> Frame {
    Frame::Output(Stream::Stdout, bytes.to_vec())
}

#[test]
fn an_execution_is_assembled() {
    let (events, reported, collected) = assemble(
        100,
        &[
            hello(),
            Frame::Started,
            stdout(b"a"),
            Frame::Output(Stream::Stderr, b"e".to_vec()),
            stdout(b"b"),
            Frame::Terminated(Termination::Exited(3), Duration::from_secs(1)),
            Frame::File("f".into(), 0o755, b"x".to_vec()),
            Frame::Skipped("l".into(), "is a symbolic link".into()),
        ],
    );
    let ended = Event::Ended(Status::Exited(3), Duration::from_secs(1));
    assert_eq!(events, [Event::Ready, Event::Started, ended].map(|event| format!("{event:?}")));
    assert_eq!(reported, b"ab");
    assert_eq!(collected.stdout, Capture { bytes: b"ab".to_vec(), length: 2, cut: None });
    assert_eq!(collected.stderr.bytes, b"e");
    assert_eq!(collected.files, [File { path: "f".into(), mode: 0o755, content: b"x".to_vec() }]);
    assert_eq!(collected.skipped.len(), 1);
}

#[test]
fn a_truncated_stream_keeps_its_first_and_last_bytes() {
    for (last, total, tail) in [(&b"g"[..], 7, &b"efg"[..]), (b"ghi", 9, b"ghi"), (b"xyz", 1000, b"xyz")] {
        let collected = collect(
            6,
            &[
                stdout(b"abcdef"),
                Frame::Truncated(Stream::Stdout),
                Frame::Tail(Stream::Stdout, total, last.to_vec()),
            ],
        );
        let expected = Capture { bytes: [b"abc", tail].concat(), length: total, cut: Some(3) };
        assert_eq!(collected.stdout, expected);
    }
}

#[test]
fn a_stream_is_marked_as_truncated_if_its_sandbox_died() {
    let collected = collect(4, &[stdout(b"abcd"), Frame::Truncated(Stream::Stdout)]);
    assert_eq!(collected.stdout, Capture { bytes: b"abcd".to_vec(), length: 4, cut: Some(2) });
}

#[test]
fn no_more_than_the_limit_is_kept() {
    let (_, reported, collected) = assemble(4, &running(&[stdout(b"abc"), stdout(b"defgh")]));
    assert_eq!((reported, collected.stdout.bytes.len()), (b"abcd".to_vec(), 4));
    assert!(collected.stdout.cut.is_some());
}

proptest! {
    #[test]
    fn head_and_tail_of_the_output_are_kept(
        all in prop::collection::vec(any::<u8>(), 0..99), limit in 1_usize..64, size in 1_usize..20,
    ) {
        // As the runner sends it.
        let (head, rest) = all.split_at(all.len().min(limit));
        let mut frames: Vec<_> = head.chunks(size).map(stdout).collect();
        if !rest.is_empty() {
            let tail = rest[rest.len().saturating_sub(limit / 2)..].to_vec();
            frames.extend([Frame::Truncated(Stream::Stdout), Frame::Tail(Stream::Stdout, all.len() as u64, tail)]);
        }
        let (_, reported, collected) = assemble(limit as u64, &running(&frames));
        let Capture { bytes, length, cut } = collected.stdout;
        prop_assert_eq!((reported.as_slice(), length), (head, all.len() as u64));
        match cut {
            None => prop_assert_eq!(bytes, all),
            Some(head) => {
                let (head, tail) = bytes.split_at(usize::try_from(head).expect("small"));
                prop_assert_eq!((head.len() + tail.len(), head.len() - tail.len()), (limit, limit % 2));
                prop_assert!(all.len() > limit && all.starts_with(head) && all.ends_with(tail));
            }
        }
    }
}

/// The number of events in frames that arrive at once, and the error.
fn assemble_at_once(frames: &[Frame]) -> (usize, Option<Corrupt>) {
    assemble_bytes(&frames.iter().flat_map(encode).collect::<Vec<_>>())
}

fn assemble_bytes(bytes: &[u8]) -> (usize, Option<Corrupt>) {
    let mut assembler = assembler(8);
    assembler.push(bytes);
    let mut events = 0;
    loop {
        match assembler.next_event() {
            Ok(Some(_)) => events += 1,
            Ok(None) => return (events, None),
            Err(corrupt) => return (events, Some(corrupt)),
        }
    }
}

fn ended() -> Frame {
    Frame::Terminated(Termination::Exited(0), Duration::ZERO)
}

fn file(path: &str, content: &[u8]) -> Frame {
    Frame::File(path.into(), 0o644, content.to_vec())
}

#[test]
fn frames_within_the_protocol_and_the_limits_are_accepted() {
    let frames = [
        stdout(b"abcdefgh"),
        Frame::Truncated(Stream::Stdout),
        Frame::Tail(Stream::Stdout, 99, b"wxyz".to_vec()),
    ];
    let rest = [
        ended(),
        file("a", b"1234"),
        file("b", b"5678"),
        Frame::Skipped("c".into(), "no".into()),
        Frame::Done,
    ];
    assert_eq!(assemble_at_once(&running(&[&frames[..], &rest].concat())), (5, None));
}

#[test]
fn streams_over_their_limit_are_corrupt() {
    let (cut, tail) =
        (Frame::Truncated(Stream::Stdout), |length| Frame::Tail(Stream::Stdout, 99, vec![0; length]));
    for frames in [
        vec![stdout(b"")],
        vec![stdout(b"abcdefghi"), stdout(b"j")],
        vec![cut.clone(), stdout(b"a")],
        vec![cut.clone(), cut.clone()],
        vec![tail(1)],
        vec![cut.clone(), tail(5)],
        vec![cut, tail(4), tail(4)],
        vec![Frame::Failed("x".repeat(MAX_REASON + 1))],
    ] {
        assert!(assemble_at_once(&running(&frames)).1.is_some(), "{frames:?}");
    }
}

#[test]
fn files_over_the_limits_are_corrupt() {
    for files in [
        vec![file("a", b"123456789")],
        vec![file("a", b"12345"), file("b", b"6789")],
        vec![file("a", b""), file("b", b""), file("c", b"")],
        vec![file("../a", b"")],
        vec![file("a/b", b"")],
    ] {
        assert!(
            assemble_at_once(&running(&[vec![ended()], files.clone()].concat())).1.is_some(),
            "{files:?}"
        );
    }
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = prop::collection::vec(any::<u8>(), 0..12);
    let path = prop_oneof!["[a-c]", "[a-c./]{0,4}", Just("/a".to_owned())];
    prop_oneof![
        Just(hello()),
        Just(Frame::Ready),
        Just(Frame::Started),
        Just(Frame::Done),
        (stream.clone(), bytes.clone()).prop_map(|(stream, bytes)| Frame::Output(stream, bytes)),
        stream.clone().prop_map(Frame::Truncated),
        (stream, any::<u64>(), bytes.clone())
            .prop_map(|(stream, total, bytes)| Frame::Tail(stream, total, bytes)),
        (path.clone(), 0..=0o1000_u32, bytes).prop_map(|(path, mode, bytes)| Frame::File(path, mode, bytes)),
        path.prop_map(|path| Frame::Skipped(path, "no".into())),
        any::<u8>().prop_map(|code| Frame::Terminated(Termination::Exited(code), Duration::ZERO)),
        "[a-z]{0,4}".prop_map(Frame::Failed),
    ]
}

proptest! {
    /// Half of the sequences begin like an execution, so that later stages are reached too.
    #[test]
    fn no_sequence_of_frames_exceeds_the_limits(
        frames in prop::collection::vec(any_frame(), 0..40), has_started: bool, has_ended: bool,
    ) {
        let end = if has_ended { vec![ended()] } else { vec![] };
        let frames = if has_started { [running(&[]), end, frames].concat() } else { frames };
        let mut assembler = assembler(8);
        let (mut started, mut ended_count, mut done, mut reported) = (0, 0, 0, 0);
        'all: for frame in &frames {
            assembler.push(&encode(frame));
            loop {
                match assembler.next_event() {
                    Ok(None) => break,
                    Ok(Some(Event::Output(_, bytes))) => reported += bytes.len(),
                    Ok(Some(Event::Started)) => started += 1,
                    Ok(Some(Event::Ended(..))) => ended_count += 1,
                    Ok(Some(Event::Done | Event::Failed(_))) => done += 1,
                    Ok(Some(Event::Ready)) => {}
                    Err(_) => break 'all,
                }
            }
        }
        let Assembled { stdout, stderr, files, skipped } = assembler.finish();
        prop_assert!(started <= 1 && ended_count <= started && done <= 1 && reported <= 16);
        prop_assert!(stdout.bytes.len() <= 8 && stderr.bytes.len() <= 8);
        prop_assert!(files.len() <= 2 && files.iter().map(|file| file.content.len()).sum::<usize>() <= 8);
        prop_assert!(files.iter().all(|file| cofferdam_types::validation::relative_path(&file.path).is_ok()));
        prop_assert!(skipped.len() <= frames.len() && files.is_sorted_by(|one, other| one.path < other.path));
    }
}
