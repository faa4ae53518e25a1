//! Tests of the encoding of messages.

use super::*;
use crate::{CONTROL, Decoder, EntryKind, InputFile, encode};
use alloc::vec;

const LIMITS: Limits = Limits {
    wall_time_ms: 300,
    startup_time_ms: 0,
    cpu_millis: Some(500),
    memory_bytes: 1 << 20,
    disk_bytes: 2,
    processes: 3,
    output_bytes: 4,
    collected_files: 5,
    collected_bytes: 6,
};
const LIMITS_BYTES: &[u8] = b"\xac\x02\x01\xf4\x03\x80\x80\x40\x02\x03\x04\x05\x06";

/// Each kind of message, and its bytes on the wire, after those of its channel.
pub(crate) fn golden() -> Vec<(u32, Message, Vec<u8>)> {
    let hello = Hello { versions: vec![2, 300], features: vec!["f".into()] };
    let prepare = Message::Prepare(Preparation {
        interpreter: vec!["py".into()],
        file: "f".into(),
        env: vec![("K".into(), "v".into())],
        limits: LIMITS,
        prewarm: true,
        preload_modules: vec!["m".into()],
    });
    let run = Message::Run(Program {
        interpreter: vec!["py".into()],
        file: "f".into(),
        code: "c".into(),
        args: vec!["a".into()],
        env: vec![("K".into(), "v".into())],
        stdin: vec![0, 255],
        files: vec![InputFile { path: "p".into(), mode: 0o755, content: vec![254] }],
        collect: vec!["*".into()],
        limits: LIMITS,
        has_more_files: true,
    });
    let entry = |kind| Message::Entry(InputEntry { path: "p".into(), kind });
    let prepare_bytes =
        [b"\x02\0\x1c\0\0\0\x01\x02py\x01f\x01\x01K\x01v", LIMITS_BYTES, b"\x01\x01\x01m"].concat();
    let run_bytes = [
        b"\x04\0\x2b\0\0\0\x01\x02py\x01f\x01c\x01\x01a\x01\x01K\x01v\x02\x00\xff\x01\x01p\xed\x03\x01\xfe\x01\x01*",
        LIMITS_BYTES,
        b"\x01",
    ]
    .concat();
    let messages: [(u32, Message, &[u8]); 9] = [
        (CONTROL, Message::Hello(hello), b"\x01\0\x07\0\0\0\x02\x02\xac\x02\x01\x01f"),
        (CONTROL, prepare, &prepare_bytes),
        (CONTROL, Message::Ping, b"\x03\0\0\0\0\0"),
        (1, run, &run_bytes),
        (1, entry(EntryKind::File(0o644)), b"\x05\0\x05\0\0\0\x01p\0\xa4\x03"),
        (1, entry(EntryKind::Directory(0o755)), b"\x05\0\x05\0\0\0\x01p\x01\xed\x03"),
        (1, entry(EntryKind::Link("t".into())), b"\x05\0\x05\0\0\0\x01p\x02\x01t"),
        (1, Message::Content(vec![0, 254]), b"\x06\0\x02\0\0\0\0\xfe"),
        (1, Message::Start, b"\x07\0\0\0\0\0"),
    ];
    messages.map(|(channel, message, bytes)| (channel, message, bytes.to_vec())).into()
}

#[test]
fn messages_keep_their_bytes_on_the_wire() {
    let mut kinds = vec![];
    for (channel, message, bytes) in golden() {
        kinds.push(bytes[0]);
        let bytes = [channel.to_le_bytes().as_slice(), &bytes].concat();
        assert_eq!(encode(channel, &message).as_deref(), Ok(bytes.as_slice()), "{message:?}");
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        assert_eq!(decoder.next(), Ok(Some((channel, message))));
    }
    kinds.dedup();
    assert_eq!(kinds, (1..=7).collect::<Vec<_>>(), "each kind is there");
}

#[test]
fn invalid_bodies_are_rejected() {
    for (kind, body) in [
        (HELLO, b"\x01".as_slice()),
        (PREPARE, b"\x01"),
        (PING, b"\0"),
        (RUN, b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        (ENTRY, b"\x01p\x03\0"),
        (ENTRY, b"\x01p\0\xa4\x03\0"),
        (START, b"\0"),
    ] {
        assert_eq!(Message::decode_body(kind, body), Err(Malformed), "{kind} {body:?}");
    }
}
