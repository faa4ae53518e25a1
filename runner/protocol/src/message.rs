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
