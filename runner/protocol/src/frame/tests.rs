//! Tests of the encoding of frames.

use super::*;
use crate::{CONTROL, Decoder, encode};
use alloc::vec;

/// Each kind of frame, and its bytes on the wire, after those of its channel.
pub(crate) fn golden() -> Vec<(u32, Frame, Vec<u8>)> {
    let hello = Hello { versions: vec![2, 300], features: vec!["f".into()] };
    let ended = Frame::Terminated(Termination::Exited(3), Duration::new(300, 7));
    let frames: [(u32, Frame, &[u8]); 14] = [
        (CONTROL, Frame::Hello(hello), b"\x01\0\x07\0\0\0\x02\x02\xac\x02\x01\x01f"),
        (CONTROL, Frame::Ready, b"\x02\0\0\0\0\0"),
        (1, Frame::Started, b"\x03\0\0\0\0\0"),
        (1, Frame::Output(Stream::Stdout, b"o".to_vec()), b"\x04\0\x01\0\0\0o"),
        (1, Frame::Output(Stream::Stderr, b"e".to_vec()), b"\x05\0\x01\0\0\0e"),
        (1, Frame::Truncated(Stream::Stdout), b"\x06\0\0\0\0\0"),
        (1, Frame::Truncated(Stream::Stderr), b"\x07\0\0\0\0\0"),
        (1, Frame::Tail(Stream::Stdout, 300, b"o".to_vec()), b"\x08\0\x04\0\0\0\xac\x02\x01o"),
        (1, Frame::Tail(Stream::Stderr, 9, b"e".to_vec()), b"\x09\0\x03\0\0\0\x09\x01e"),
        (1, Frame::File("p".into(), 0o755, b"f".to_vec()), b"\x0a\0\x06\0\0\0\x01p\xed\x03\x01f"),
        (1, Frame::Skipped("p".into(), "s".into()), b"\x0b\0\x04\0\0\0\x01p\x01s"),
        (1, ended, b"\x0c\0\x05\0\0\0\0\x03\xac\x02\x07"),
        (1, Frame::Failed("x".into()), b"\x0d\0\x02\0\0\0\x01x"),
        (1, Frame::Done, b"\x0e\0\0\0\0\0"),
    ];
    frames.map(|(channel, frame, bytes)| (channel, frame, bytes.to_vec())).into()
}

#[test]
fn frames_keep_their_bytes_on_the_wire() {
    for (number, (channel, frame, bytes)) in golden().into_iter().enumerate() {
        assert_eq!(usize::from(bytes[0]), number + 1, "each kind is there once");
        let bytes = [channel.to_le_bytes().as_slice(), &bytes].concat();
        assert_eq!(encode(channel, &frame).as_deref(), Ok(bytes.as_slice()), "{frame:?}");
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        assert_eq!(decoder.next(), Ok(Some((channel, frame))));
    }
}

#[test]
fn terminations_keep_their_bytes_on_the_wire() {
    for (termination, bytes) in [
        (Termination::Exited(1), b"\0\x01".as_slice()),
        (Termination::Killed(200), b"\x01\xc8"),
        (Termination::TimedOut, b"\x02"),
        (Termination::OutOfMemory, b"\x03"),
        (Termination::OutOfDisk(4), b"\x04\x04"),
        (Termination::OutOfProcesses, b"\x05"),
        (Termination::Cancelled, b"\x06"),
    ] {
        let frame = Frame::Terminated(termination, Duration::ZERO);
        let body = [bytes, b"\0\0"].concat();
        assert_eq!(frame.encode_body(vec![]), Ok((TERMINATED, body.clone())), "{termination:?}");
        assert_eq!(Frame::decode_body(TERMINATED, &body), Ok(Some(frame)));
    }
}

#[test]
fn invalid_bodies_are_rejected() {
    for (kind, body) in [
        (HELLO, b"".as_slice()),
        (READY, b"\0"),
        (DONE, b"\0"),
        (STDOUT_TAIL, b"\x01\x02o"),
        (STDOUT_TAIL, b"\x01\x01oo"),
        (FILE, b"\x01p\xed\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01f"),
        (SKIPPED, b"\x01\xff\x01s"),
        (TERMINATED, b"\x07\0\0"),
        (TERMINATED, b"\0\x01\0\xff\xff\xff\xff\xff"),
        (FAILED, b"\x02x"),
    ] {
        assert_eq!(Frame::decode_body(kind, body), Err(Malformed), "{kind} {body:?}");
    }
}

#[test]
fn the_bytes_of_a_program_are_never_a_frame() {
    let done = encode(1, &Frame::Done).expect("a frame");
    let mut decoder = Decoder::default();
    decoder.push(&encode(1, &Frame::Output(Stream::Stdout, done.clone())).expect("a frame"));
    assert_eq!(decoder.next(), Ok(Some((1, Frame::Output(Stream::Stdout, done)))));
    assert_eq!(decoder.next(), Ok(None));
}
