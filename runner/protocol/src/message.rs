//! Messages to the runner: four bytes of length (little-endian), then the message.

use super::program::{Limits, Program};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What the sidecar says. The runner answers the first two with [`Frame::Ready`](crate::Frame::Ready).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A program of this kind will come. At most one, and before the program.
    Prepare(Preparation),
    /// Are you there?
    Attend,
    /// This is the program. Last.
    Run(Program),
}

/// What is known of a program before it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// The interpreter and its own arguments.
    pub interpreter: Vec<String>,
    /// Name of the program's file in the work directory.
    pub file: String,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Bounds of the run, of which only those of processors, memory, disk and processes have to be right.
    pub limits: Limits,
    /// Whether the interpreter reads all of its file before it runs any of it, so that it can be started before the file is
    /// written.
    pub starts_interpreter: bool,
    /// Modules that it then has imported before there is a program; Python's.
    pub imports: Vec<String>,
}

/// The bytes are no message: sidecar and runner are of different versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was handed to the runner cannot be read; sidecar and runner are of different versions")]
pub struct MalformedMessage;

/// The bytes of `message` as they go to the runner.
///
/// # Errors
///
/// [`MalformedMessage`] if it is longer than 4 GiB.
pub fn encode_message(message: &Message) -> Result<Vec<u8>, MalformedMessage> {
    let body = postcard::to_allocvec(message).map_err(|_| MalformedMessage)?;
    let length = u32::try_from(body.len()).map_err(|_| MalformedMessage)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Reads what [`encode_message`] wrote, without the four bytes of the length.
///
/// # Errors
///
/// [`MalformedMessage`] if `body` is anything else.
pub fn decode_message(body: &[u8]) -> Result<Message, MalformedMessage> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(MalformedMessage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InputFile;
    use alloc::vec;

    const LIMITS: Limits = Limits {
        wall_time_ms: 300,
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
            starts_interpreter: true,
            imports: vec!["m".into()],
        });
        let run = Message::Run(Program {
            interpreter: vec!["py".into()],
            file: "f".into(),
            code: "c".into(),
            args: vec!["a".into()],
            env: vec![("K".into(), "v".into())],
            stdin: vec![0, 255],
            files: vec![InputFile { path: "p".into(), content: vec![254] }],
            collect: vec!["*".into()],
            limits: LIMITS,
        });
        let prepare_bytes = [b"\x1d\0\0\0\x00\x01\x02py\x01f\x01\x01K\x01v", LIMITS_BYTES, b"\x01\x01\x01m"].concat();
        let run_bytes = [
            b"\x29\0\0\0\x02\x01\x02py\x01f\x01c\x01\x01a\x01\x01K\x01v\x02\x00\xff\x01\x01p\x01\xfe\x01\x01*",
            LIMITS_BYTES,
        ]
        .concat();
        for (message, bytes) in
            [(prepare, prepare_bytes), (Message::Attend, b"\x01\0\0\0\x01".to_vec()), (run, run_bytes)]
        {
            assert_eq!(encode_message(&message).as_deref(), Ok(&*bytes));
            assert_eq!(decode_message(&bytes[4..]), Ok(message));
        }
    }
}
