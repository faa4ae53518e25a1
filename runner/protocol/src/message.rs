//! Messages to the runner: four bytes of length (little-endian), then the message in postcard's format.

use super::{
    Limits,
    program::{InputEntry, Program},
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A message of the sidecar. The runner answers the first two with [`Frame::Ready`](crate::Frame::Ready).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Prepares the sandbox for a program. Sent at most once, before the program.
    Prepare(Preparation),
    /// Checks that the runner responds.
    Ping,
    /// Runs this program. The last message, unless the program has more files.
    Run(Program),
    /// The next of these files. The directories above it may be implied.
    Entry(InputEntry),
    /// The next bytes of the last entry, a regular file.
    Content(#[serde(with = "serde_bytes")] Vec<u8>),
    /// There are no more files: starts the program. The last message.
    Start,
}

/// The part of a program that is known before the program itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// The interpreter and its arguments.
    pub interpreter: Vec<String>,
    /// Name of the program's file in the working directory.
    pub file: String,
    /// Variables of the program, as in [`Program::env`].
    pub env: Vec<(String, String)>,
    /// Limits of the run. Only those of CPU, memory, disk and processes are used.
    pub limits: Limits,
    /// Whether to start the interpreter before the program's file is written. The interpreter must read the
    /// whole file before it executes any of it.
    pub prewarm: bool,
    /// Modules that the prewarmed interpreter, a Python, imports before it reads the program.
    pub preload_modules: Vec<String>,
}

/// The bytes are not a valid message: the versions of sidecar and runner differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runner cannot decode a message of the sidecar; use a sidecar and a runner of the same version")]
pub struct MalformedMessage;

/// Encodes `message`, with its length before it.
///
/// # Errors
///
/// [`MalformedMessage`] if the message is longer than 4 GiB.
pub fn encode_message(message: &Message) -> Result<Vec<u8>, MalformedMessage> {
    let body = postcard::to_allocvec(message).map_err(|_| MalformedMessage)?;
    let length = u32::try_from(body.len()).map_err(|_| MalformedMessage)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Decodes a message that [`encode_message`] encoded, without its four bytes of length.
///
/// # Errors
///
/// [`MalformedMessage`] if `body` is not exactly one message.
pub fn decode_message(body: &[u8]) -> Result<Message, MalformedMessage> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(MalformedMessage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntryKind, InputFile};
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
}
