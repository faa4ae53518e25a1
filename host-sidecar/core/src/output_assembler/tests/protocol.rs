//! Tests of what the protocol allows.

use super::*;

#[test]
fn repeated_late_or_unordered_frames_are_corrupt() {
    let (ready, started, done) = (hello(), Frame::Started, Frame::Done);
    let failed = || Frame::Failed("no".into());
    for frames in [
        vec![started.clone()],
        vec![stdout(b"a")],
        vec![ended()],
        vec![done.clone()],
        vec![Frame::Ready],
        vec![ready.clone(), Frame::Ready],
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
        assert!(assemble_at_once(&frames).1.is_some(), "{frames:?}");
    }
}

#[test]
fn frames_on_a_wrong_channel_are_corrupt() {
    let whole = running(&[stdout(b"a"), ended(), file("a", b""), Frame::Done]);
    assert_eq!(assemble_at_once(&whole).1, None);
    for wrong in 0..whole.len() {
        for channel in [CONTROL, EXECUTION, 2, u32::MAX] {
            let encode =
                |(number, frame)| if number == wrong { encode_on(channel, frame) } else { encode(frame) };
            let bytes: Vec<u8> = whole.iter().enumerate().flat_map(encode).collect();
            let is_right = channel == if wrong == 0 { CONTROL } else { EXECUTION };
            assert_eq!(assemble_bytes(&bytes).1.is_none(), is_right, "{:?} on {channel}", whole[wrong]);
        }
    }
}

#[test]
fn a_failure_is_that_of_the_execution_or_precedes_it() {
    let failed = Frame::Failed("no".into());
    for (before, channel, is_allowed) in [
        (vec![], CONTROL, true),
        (vec![], EXECUTION, false),
        (vec![hello()], CONTROL, true),
        (vec![hello()], EXECUTION, true),
        (running(&[]), EXECUTION, true),
        (running(&[]), CONTROL, false),
        (running(&[ended()]), EXECUTION, true),
        (running(&[ended()]), 2, false),
    ] {
        let mut bytes: Vec<u8> = before.iter().flat_map(encode).collect();
        bytes.extend(encode_on(channel, &failed));
        assert_eq!(assemble_bytes(&bytes).1.is_none(), is_allowed, "{before:?} {channel}");
    }
}

#[test]
fn kinds_that_a_later_runner_sends_are_skipped() {
    let later = |channel: u8| [channel, 0, 0, 0, 0xe7, 3, 2, 0, 0, 0, 1, 2];
    let mut bytes = later(0).to_vec();
    for frame in running(&[stdout(b"a"), ended(), Frame::Done]) {
        bytes.extend(encode(&frame));
        if frame != Frame::Done {
            bytes.extend([later(0), later(1), later(9)].concat());
        }
    }
    assert_eq!(assemble_bytes(&bytes), (5, None));
}

#[test]
fn a_runner_without_a_common_version_has_failed() {
    let mut assembler = assembler(8);
    assembler.push(&encode(&Frame::Hello(Hello { versions: vec![1, 3], features: vec![] })));
    match assembler.next_event() {
        Ok(Some(Event::Failed(reason))) => assert!(reason.contains("no version"), "{reason}"),
        event => panic!("{event:?}"),
    }
}

#[test]
fn an_oversized_frame_is_refused_by_its_header() {
    let mut assembler = assembler(8);
    assembler.push(&[1, 0, 0, 0, 10, 0, 0, 0, 0, 15]);
    assert!(assembler.next_event().is_err());
}
