//! Messages: what the sidecar sends.

#[cfg(test)]
pub(crate) mod tests;

use crate::{
    Limits,
    envelope::{Malformed, Payload, from_body, to_body, with_bytes, without_body},
    hello::Hello,
    program::{InputEntry, Program},
};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

const HELLO: u16 = 1;
const PREPARE: u16 = 2;
const PING: u16 = 3;
const RUN: u16 = 4;
const ENTRY: u16 = 5;
const CONTENT: u16 = 6;
const START: u16 = 7;

/// A message of the sidecar. The first three have the control channel, the others the channel of their execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// What the sidecar can do. The first message.
    Hello(Hello),
    /// Prepares the sandbox for a program. Sent at most once, before the program. The runner answers with
    /// [`Frame::Ready`](crate::Frame::Ready).
    Prepare(Preparation),
    /// Checks that the runner responds, which it does with [`Frame::Ready`](crate::Frame::Ready).
    Ping,
    /// Runs this program, whose frames have the channel of this message. The last message, unless the program has
    /// more files.
    Run(Program),
    /// The next of these files. The directories above it may be implied.
    Entry(InputEntry),
    /// The next bytes of the last entry, a regular file.
    Content(Vec<u8>),
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

impl Payload for Message {
    fn encode_body(&self, bytes: Vec<u8>) -> Result<(u16, Vec<u8>), Malformed> {
        Ok(match self {
            Self::Hello(hello) => (HELLO, to_body(bytes, hello)?),
            Self::Prepare(preparation) => (PREPARE, to_body(bytes, preparation)?),
            Self::Ping => (PING, bytes),
            Self::Run(program) => (RUN, to_body(bytes, program)?),
            Self::Entry(entry) => (ENTRY, to_body(bytes, entry)?),
            Self::Content(content) => (CONTENT, with_bytes(bytes, content)),
            Self::Start => (START, bytes),
        })
    }

    fn decode_body(kind: u16, body: &[u8]) -> Result<Option<Self>, Malformed> {
        let message = match kind {
            HELLO => from_body(body).map(Self::Hello),
            PREPARE => from_body(body).map(Self::Prepare),
            PING => without_body(Self::Ping, body),
            RUN => from_body(body).map(Self::Run),
            ENTRY => from_body(body).map(Self::Entry),
            CONTENT => Ok(Self::Content(body.to_owned())),
            START => without_body(Self::Start, body),
            _ => return Ok(None),
        };
        message.map(Some)
    }
}
