//! What a session executes, and what bounds it.

use crate::file::FileRequest;
use alloc::{string::String, vec::Vec};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Bytes of standard input that the sidecar may send for a command before its first
/// [`Frame::Credit`](crate::Frame::Credit).
pub const STDIN_WINDOW: u32 = 256 << 10;

/// One execution of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What is executed.
    pub call: Call,
    /// Variables of this execution: those of the session and its own. The runner adds those of its container.
    pub env: Vec<(String, String)>,
    /// Working directory; a relative one begins at `/work`.
    pub working_dir: String,
    /// Whether standard input stays open for [`Message::Stdin`](crate::Message::Stdin). Without, it is empty.
    pub has_stdin: bool,
    /// The size of its terminal, if it has one. It then has one stream of output, standard output.
    pub terminal: Option<TerminalSize>,
    /// Whether processes that its first process leaves behind may go on.
    pub keeps_background: bool,
    /// Its own limits.
    pub limits: CommandLimits,
    /// Bytes of output that the runner may send before a [`Message::Credit`](crate::Message::Credit).
    pub window: u32,
}

/// What a [`Command`] executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// A program, looked up in PATH, and its arguments.
    Program(Vec<String>),
    /// Source code, by an interpreter.
    Code {
        /// The interpreter and its arguments, which precede the name of the file.
        interpreter: Vec<String>,
        /// Name of the code's file in the working directory. It is removed after the execution.
        file: String,
        /// Contents of that file.
        code: String,
        /// Arguments after the file's name.
        args: Vec<String>,
    },
    /// A file call, which the runner itself executes with the program's rights. Its standard output carries
    /// [`FileReply`](crate::FileReply)s; its standard input carries what is written.
    Files(FileRequest),
}

/// The limits of one execution of a session, none of which exceeds the session's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLimits {
    /// Time after which its processes are killed; none: only the session's end ends it.
    pub wall_time: Option<Duration>,
    /// Bytes of each output stream that are sent completely, and then a tail of half of that; none: all output is
    /// sent, as the credit allows.
    pub output_bytes: Option<u64>,
    /// Bytes of memory that its processes may use together.
    pub memory_bytes: u64,
    /// Processes and threads that it may have at once.
    pub processes: u32,
}

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Columns of characters.
    pub columns: u16,
    /// Rows of characters.
    pub rows: u16,
}

/// When the runner ends a session by itself, counted from the message's arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// The session ends after this time.
    pub lifetime: Duration,
    /// The session ends after this time without a message, other than a ping, and without an execution. Processes
    /// that executions have left do not count.
    pub idle: Duration,
    /// The session ends after this time without a connection.
    pub unattended: Duration,
}

/// What a session uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of memory of all its processes.
    pub memory_bytes: u64,
    /// Bytes of its disk.
    pub disk_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// Processor time of its processes so far.
    pub cpu_time: Duration,
}

/// Why the runner has ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionEnd {
    /// Its lifetime is over.
    Expired,
    /// It was idle for too long.
    Idle,
    /// Nobody was connected for too long.
    Unattended,
    /// The processes of an execution survived their kill.
    Unkillable,
}
