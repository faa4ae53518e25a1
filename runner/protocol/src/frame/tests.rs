//! Tests of the encoding and the decoding of frames.

use super::*;
use alloc::{vec, vec::Vec};

fn every_frame() -> Vec<Frame> {
    let mut frames = vec![
        Frame::Ready,
        Frame::Started,
        Frame::Done,
        Frame::File("a/b.csv".into(), 0o644, vec![0, 1, 255]),
        Frame::Skipped("c".into(), "a link".into()),
        Frame::Failed("no gVisor".into()),
    ];
    for stream in [Stream::Stdout, Stream::Stderr] {
        frames.extend([
            Frame::Output(stream, b"\x0b\x02\x00\x00\x00\x00\x00".to_vec()),
            Frame::Output(stream, vec![]),
            Frame::Truncated(stream),
            Frame::Tail(stream, u64::MAX, b"end".to_vec()),
        ]);
    }
    frames.extend(
        [
            Termination::Exited(255),
            Termination::Killed(9),
            Termination::TimedOut,
            Termination::OutOfMemory,
            Termination::OutOfDisk(1),
            Termination::OutOfProcesses,
            Termination::Cancelled,
        ]
        .map(|termination| Frame::Terminated(termination, Duration::from_micros(1_234_567))),
    );
    frames
}

#[test]
fn frames_split_at_any_byte_are_decoded() {
    let frames = every_frame();
    let bytes: Vec<u8> = frames.iter().flat_map(encode).collect();
    for size in 1..bytes.len() {
        let (mut decoder, mut decoded) = (FrameDecoder::default(), vec![]);
        for chunk in bytes.chunks(size) {
            decoder.push(chunk);
            while let Ok(Some(frame)) = decoder.next_frame() {
                decoded.push(frame);
            }
        }
        assert_eq!(decoded, frames, "split every {size} bytes");
        assert!(decoder.is_empty());
    }
}

#[test]
fn frames_keep_their_bytes_on_the_wire() {
    for (frame, bytes) in [
        (Frame::Ready, b"\x01\0\0\0\0".as_slice()),
        (Frame::Started, b"\x02\0\0\0\0"),
        (Frame::Output(Stream::Stdout, b"o".to_vec()), b"\x03\x01\0\0\0o"),
        (Frame::Output(Stream::Stderr, b"e".to_vec()), b"\x04\x01\0\0\0e"),
        (Frame::Truncated(Stream::Stdout), b"\x05\0\0\0\0"),
        (Frame::Truncated(Stream::Stderr), b"\x06\0\0\0\0"),
        (Frame::Tail(Stream::Stdout, 9, b"o".to_vec()), b"\x07\x09\0\0\0\x09\0\0\0\0\0\0\0o"),
        (Frame::Tail(Stream::Stderr, 9, b"e".to_vec()), b"\x08\x09\0\0\0\x09\0\0\0\0\0\0\0e"),
        (Frame::File("p".into(), 0o755, b"f".to_vec()), b"\x09\x0a\0\0\0\x01\0\0\0p\xed\x01\0\0f"),
        (Frame::Skipped("p".into(), "s".into()), b"\x0a\x06\0\0\0\x01\0\0\0ps"),
        (
            Frame::Terminated(Termination::Exited(3), Duration::from_micros(7)),
            b"\x0b\x0a\0\0\0\x00\x03\x07\0\0\0\0\0\0\0",
        ),
        (Frame::Failed("x".into()), b"\x0c\x01\0\0\0x"),
        (Frame::Done, b"\x0d\0\0\0\0"),
    ] {
        assert_eq!(encode(&frame), bytes, "{frame:?}");
    }
    for (termination, bytes) in [
        (Termination::Exited(1), [0, 1]),
        (Termination::Killed(9), [1, 9]),
        (Termination::TimedOut, [2, 0]),
        (Termination::OutOfMemory, [3, 0]),
        (Termination::OutOfDisk(4), [4, 4]),
        (Termination::OutOfProcesses, [5, 0]),
        (Termination::Cancelled, [6, 0]),
    ] {
        assert_eq!(encode_termination(termination), bytes, "{termination:?}");
    }
}

#[test]
fn invalid_frames_are_rejected() {
    for bytes in [
        &[0, 0, 0, 0, 0][..],
        &[99, 0, 0, 0, 0],
        &[READY, 1, 0, 0, 0, 7],
        &[TERMINATED, 2, 0, 0, 0, 9, 9],
        &[STDOUT, 0, 0, 0, 255],
    ] {
        let mut decoder = FrameDecoder::default();
        decoder.push(bytes);
        assert_eq!(decoder.next_frame(), Err(MalformedFrame), "{bytes:?}");
    }
}

#[test]
fn a_payload_above_the_limit_is_rejected_before_it_is_received() {
    let frame = encode(&Frame::Output(Stream::Stdout, vec![0; 9]));
    for (limit, expected) in [(9, Ok(None)), (8, Err(MalformedFrame)), (u64::MAX, Ok(None))] {
        let mut decoder = FrameDecoder::with_max_payload(limit);
        decoder.push(&frame[..HEADER]);
        assert_eq!(decoder.next_frame(), expected, "{limit}");
    }
}

#[test]
fn an_incomplete_frame_is_not_decoded() {
    let mut decoder = FrameDecoder::default();
    decoder.push(&encode(&Frame::Output(Stream::Stdout, b"hello".to_vec()))[..7]);
    assert_eq!(decoder.next_frame(), Ok(None));
    assert!(!decoder.is_empty());
}
