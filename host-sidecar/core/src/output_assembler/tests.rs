use super::*;
use crate::policy::Policy;
use cofferdam_protocol::encode;
use proptest::prelude::*;

/// Accepts a few small files of any name, and so many bytes of each stream.
fn assembler(limit: u64) -> OutputAssembler {
    let limits = Policy::default().defaults;
    let limits = Limits { output_bytes: limit, collected_files: 2, collected_bytes: 8, ..limits };
    OutputAssembler::new(&limits, &["*".to_owned()], false)
}

/// The events without output, the reported standard output, and what is kept.
fn follow(limit: u64, frames: &[Frame]) -> (Vec<String>, Vec<u8>, Assembled) {
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

/// What is kept of a running program that sends these frames.
fn collect(limit: u64, frames: &[Frame]) -> Assembled {
    follow(limit, &running(frames)).2
}

fn running(frames: &[Frame]) -> Vec<Frame> {
    [&[Frame::Ready, Frame::Started], frames].concat()
}

fn stdout(bytes: &[u8]) -> Frame {
    Frame::Output(Stream::Stdout, bytes.to_vec())
}

#[test]
fn a_run_is_gathered() {
    let (events, reported, collected) = follow(
        100,
        &[
            Frame::Ready,
            Frame::Started,
            stdout(b"a"),
            Frame::Output(Stream::Stderr, b"e".to_vec()),
            stdout(b"b"),
            Frame::Terminated(Termination::Exited(3), Duration::from_secs(1)),
            Frame::File("f".into(), b"x".to_vec()),
            Frame::Skipped("l".into(), "is a symbolic link".into()),
        ],
    );
    let ended = Event::Ended(Status::Exited(3), Duration::from_secs(1));
    assert_eq!(events, [Event::Ready, Event::Started, ended].map(|event| format!("{event:?}")));
    assert_eq!(reported, b"ab");
    assert_eq!(collected.stdout, Capture { bytes: b"ab".to_vec(), length: 2, cut: None });
    assert_eq!(collected.stderr.bytes, b"e");
    assert_eq!(collected.files, [File { path: "f".into(), content: b"x".to_vec() }]);
    assert_eq!(collected.skipped.len(), 1);
}

#[test]
fn a_cut_stream_keeps_its_first_and_its_last_bytes() {
    for (held, total, tail) in [(&b"g"[..], 7, &b"efg"[..]), (b"ghi", 9, b"ghi"), (b"xyz", 1000, b"xyz")] {
        let collected = collect(
            6,
            &[stdout(b"abcdef"), Frame::Truncated(Stream::Stdout), Frame::Tail(Stream::Stdout, total, held.to_vec())],
        );
        let expected = Capture { bytes: [b"abc", tail].concat(), length: total, cut: Some(3) };
        assert_eq!(collected.stdout, expected);
    }
}

#[test]
fn a_cut_stream_whose_sandbox_died_is_still_marked() {
    let collected = collect(4, &[stdout(b"abcd"), Frame::Truncated(Stream::Stdout)]);
    assert_eq!(collected.stdout, Capture { bytes: b"abcd".to_vec(), length: 4, cut: Some(2) });
}

#[test]
fn more_than_the_limit_is_never_kept() {
    let (_, reported, collected) = follow(4, &running(&[stdout(b"abc"), stdout(b"defgh")]));
    assert_eq!((reported, collected.stdout.bytes.len()), (b"abcd".to_vec(), 4));
    assert!(collected.stdout.cut.is_some());
}

proptest! {
    #[test]
    fn head_and_tail_of_what_was_written_are_kept(
        all in prop::collection::vec(any::<u8>(), 0..99), limit in 1_usize..64, size in 1_usize..20,
    ) {
        // As the runner passes it on.
        let (now, held) = all.split_at(all.len().min(limit));
        let mut frames: Vec<_> = now.chunks(size).map(stdout).collect();
        if !held.is_empty() {
            let last = held[held.len().saturating_sub(limit / 2)..].to_vec();
            frames.extend([Frame::Truncated(Stream::Stdout), Frame::Tail(Stream::Stdout, all.len() as u64, last)]);
        }
        let (_, reported, collected) = follow(limit as u64, &running(&frames));
        let Capture { bytes, length, cut } = collected.stdout;
        prop_assert_eq!((reported.as_slice(), length), (now, all.len() as u64));
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

/// What a assembler makes of frames that come all at once: the events, and the error that ended them, if one did.
fn judge(frames: &[Frame]) -> (usize, Option<Corrupt>) {
    let mut assembler = assembler(8);
    assembler.push(&frames.iter().flat_map(encode).collect::<Vec<_>>());
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
    Frame::File(path.into(), content.to_vec())
}

#[test]
fn an_honest_run_is_not_corrupt() {
    let frames =
        [stdout(b"abcdefgh"), Frame::Truncated(Stream::Stdout), Frame::Tail(Stream::Stdout, 99, b"wxyz".to_vec())];
    let rest = [ended(), file("a", b"1234"), file("b", b"5678"), Frame::Skipped("c".into(), "no".into()), Frame::Done];
    assert_eq!(judge(&running(&[&frames[..], &rest].concat())), (5, None));
}

#[test]
fn frames_that_come_twice_out_of_order_or_after_the_last_are_corrupt() {
    let (ready, started, done) = (Frame::Ready, Frame::Started, Frame::Done);
    let failed = || Frame::Failed("no".into());
    for frames in [
        vec![started.clone()],
        vec![stdout(b"a")],
        vec![ended()],
        vec![done.clone()],
        vec![ready.clone(), ready.clone()],
        vec![ready.clone(), stdout(b"a")],
        vec![ready.clone(), ended()],
        running(std::slice::from_ref(&started)),
        running(std::slice::from_ref(&ready)),
        running(std::slice::from_ref(&done)),
        running(&[file("a", b"")]),
        running(&[Frame::Skipped("a".into(), "no".into())]),
        running(&[ended(), ended()]),
        running(&[ended(), started.clone()]),
        running(&[ended(), stdout(b"a")]),
        running(&[ended(), Frame::Truncated(Stream::Stderr)]),
        running(&[ended(), done.clone(), done.clone()]),
        running(&[ended(), done.clone(), file("a", b"")]),
        running(&[failed(), done]),
        vec![failed(), failed()],
    ] {
        assert!(judge(&frames).1.is_some(), "{frames:?}");
    }
}

#[test]
fn streams_beyond_their_limit_are_corrupt() {
    let (cut, tail) = (Frame::Truncated(Stream::Stdout), |length| Frame::Tail(Stream::Stdout, 99, vec![0; length]));
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
        assert!(judge(&running(&frames)).1.is_some(), "{frames:?}");
    }
}

#[test]
fn files_beyond_the_limits_are_corrupt() {
    for files in [
        vec![file("a", b"123456789")],
        vec![file("a", b"12345"), file("b", b"6789")],
        vec![file("a", b""), file("b", b""), file("c", b"")],
        vec![file("../a", b"")],
        vec![file("a/b", b"")],
    ] {
        assert!(judge(&running(&[vec![ended()], files.clone()].concat())).1.is_some(), "{files:?}");
    }
}

#[test]
fn a_frame_that_is_longer_than_any_limit_is_refused_by_its_header() {
    let mut assembler = assembler(8);
    assembler.push(&[9, 0, 0, 0, 15]);
    assert!(assembler.next_event().is_err());
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = prop::collection::vec(any::<u8>(), 0..12);
    let path = prop_oneof!["[a-c]", "[a-c./]{0,4}", Just("/a".to_owned())];
    prop_oneof![
        Just(Frame::Ready),
        Just(Frame::Started),
        Just(Frame::Done),
        (stream.clone(), bytes.clone()).prop_map(|(stream, bytes)| Frame::Output(stream, bytes)),
        stream.clone().prop_map(Frame::Truncated),
        (stream, any::<u64>(), bytes.clone()).prop_map(|(stream, total, bytes)| Frame::Tail(stream, total, bytes)),
        (path.clone(), bytes).prop_map(|(path, bytes)| Frame::File(path, bytes)),
        path.prop_map(|path| Frame::Skipped(path, "no".into())),
        any::<u8>().prop_map(|code| Frame::Terminated(Termination::Exited(code), Duration::ZERO)),
        "[a-z]{0,4}".prop_map(Frame::Failed),
    ]
}

proptest! {
    /// Half of them begin as a run does, so that later stages are reached too.
    #[test]
    fn whatever_a_runner_sends_the_limits_hold(
        frames in prop::collection::vec(any_frame(), 0..40), begins: bool, has_ended: bool,
    ) {
        let end = if has_ended { vec![ended()] } else { vec![] };
        let frames = if begins { [running(&[]), end, frames].concat() } else { frames };
        let mut assembler = assembler(8);
        let (mut started, mut ends, mut overs, mut reported) = (0, 0, 0, 0);
        'all: for frame in &frames {
            assembler.push(&encode(frame));
            loop {
                match assembler.next_event() {
                    Ok(None) => break,
                    Ok(Some(Event::Output(_, bytes))) => reported += bytes.len(),
                    Ok(Some(Event::Started)) => started += 1,
                    Ok(Some(Event::Ended(..))) => ends += 1,
                    Ok(Some(Event::Done | Event::Failed(_))) => overs += 1,
                    Ok(Some(Event::Ready)) => {}
                    Err(_) => break 'all,
                }
            }
        }
        let Assembled { stdout, stderr, files, skipped } = assembler.finish();
        prop_assert!(started <= 1 && ends <= started && overs <= 1 && reported <= 16);
        prop_assert!(stdout.bytes.len() <= 8 && stderr.bytes.len() <= 8);
        prop_assert!(files.len() <= 2 && files.iter().map(|file| file.content.len()).sum::<usize>() <= 8);
        prop_assert!(files.iter().all(|file| cofferdam_types::validation::relative_path(&file.path).is_ok()));
        prop_assert!(skipped.len() <= frames.len() && files.is_sorted_by(|one, other| one.path < other.path));
    }
}
