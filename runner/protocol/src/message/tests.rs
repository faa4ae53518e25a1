//! Tests of the encoding of messages.

use super::*;
use crate::{Decoder, EntryKind, InputFile, encode};
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

#[test]
fn messages_keep_their_bytes_on_the_wire() {
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
        [b"\x1d\0\0\0\x00\x01\x02py\x01f\x01\x01K\x01v", LIMITS_BYTES, b"\x01\x01\x01m"].concat();
    let run_bytes = [
        b"\x2c\0\0\0\x02\x01\x02py\x01f\x01c\x01\x01a\x01\x01K\x01v\x02\x00\xff\x01\x01p\xed\x03\x01\xfe\x01\x01*",
        LIMITS_BYTES,
        b"\x01",
    ]
    .concat();
    for (message, bytes) in [
        (prepare, prepare_bytes.as_slice()),
        (Message::Ping, b"\x01\0\0\0\x01"),
        (run, &run_bytes),
        (entry(EntryKind::File(0o644)), b"\x06\0\0\0\x03\x01p\x00\xa4\x03"),
        (entry(EntryKind::Directory(0o755)), b"\x06\0\0\0\x03\x01p\x01\xed\x03"),
        (entry(EntryKind::Link("t".into())), b"\x06\0\0\0\x03\x01p\x02\x01t"),
        (Message::Content(vec![0, 254]), b"\x04\0\0\0\x04\x02\0\xfe"),
        (Message::Start, b"\x01\0\0\0\x05"),
    ] {
        assert_eq!(encode_message(&message).as_deref(), Ok(bytes));
        assert_eq!(decode_message(&bytes[4..]), Ok(message));
    }
}
