//! Messages: what the sidecar sends.

#[cfg(test)]
pub(crate) mod tests;

use crate::{
    Limits,
    command::{Command, Deadlines, TerminalSize},
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
const OPEN: u16 = 16;
const DEADLINES: u16 = 17;
const MEASURE: u16 = 18;
const EXECUTE: u16 = 19;
const STDIN: u16 = 20;
const CLOSE_STDIN: u16 = 21;
const SIGNAL: u16 = 22;
const RESIZE: u16 = 23;
const KILL: u16 = 24;
const CREDIT: u16 = 25;

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
    /// Makes a session of the prepared sandbox: from now on it executes [`Message::Execute`]s. The runner answers with
    /// [`Frame::Ready`](crate::Frame::Ready).
    Open(Deadlines),
    /// Replaces the deadlines of the session, and counts as a request of its caller.
    Deadlines(Deadlines),
    /// Asks for [`Frame::Usage`](crate::Frame::Usage) on this message's channel.
    Measure,
    /// Executes a command, whose frames have this message's channel, a higher one than all before it.
    Execute(Command),
    /// The next bytes of the command's standard input, at most as many as the runner has given credit for: first
    /// [`STDIN_WINDOW`](crate::STDIN_WINDOW), then [`Frame::Credit`](crate::Frame::Credit).
    Stdin(Vec<u8>),
    /// The end of the command's standard input.
    CloseStdin,
    /// Sends this signal to the command's first process and its process group.
    Signal(u8),
    /// Changes the size of the command's terminal.
    Resize(TerminalSize),
    /// Kills all processes of the command.
    Kill,
    /// The sidecar takes so many more bytes of output of the command.
    Credit(u32),
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
            Self::Open(deadlines) => (OPEN, to_body(bytes, deadlines)?),
            Self::Deadlines(deadlines) => (DEADLINES, to_body(bytes, deadlines)?),
            Self::Measure => (MEASURE, bytes),
            Self::Execute(command) => (EXECUTE, to_body(bytes, command)?),
            Self::Stdin(input) => (STDIN, with_bytes(bytes, input)),
            Self::CloseStdin => (CLOSE_STDIN, bytes),
            Self::Signal(signal) => (SIGNAL, to_body(bytes, signal)?),
            Self::Resize(size) => (RESIZE, to_body(bytes, size)?),
            Self::Kill => (KILL, bytes),
            Self::Credit(credit) => (CREDIT, to_body(bytes, credit)?),
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
            OPEN => from_body(body).map(Self::Open),
            DEADLINES => from_body(body).map(Self::Deadlines),
            MEASURE => without_body(Self::Measure, body),
            EXECUTE => from_body(body).map(Self::Execute),
            STDIN => Ok(Self::Stdin(body.to_owned())),
            CLOSE_STDIN => without_body(Self::CloseStdin, body),
            SIGNAL => from_body(body).map(Self::Signal),
            RESIZE => from_body(body).map(Self::Resize),
            KILL => without_body(Self::Kill, body),
            CREDIT => from_body(body).map(Self::Credit),
            _ => return Ok(None),
        };
        message.map(Some)
    }
}
