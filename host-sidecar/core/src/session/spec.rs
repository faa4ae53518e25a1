//! What is executed in a session, and what became of it.

use cofferdam_protocol::TerminalSize;
use cofferdam_types::{RequestedLimits, Status};
use std::time::{Duration, SystemTime};

/// What is executed in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionSpec {
    /// The caller's own id, 1 to 128 of `A-Z a-z 0-9 . _ -`. A second use of it in the session is a conflict.
    pub id: Option<String>,
    /// What is executed.
    pub call: ExecutionCall,
    /// Its environment variables, which replace those of the session.
    pub env: Vec<(String, String)>,
    /// Its working directory; a relative one begins at `/work`. Default: that of the session.
    pub working_dir: Option<String>,
    /// Its standard input.
    pub stdin: StdinSpec,
    /// The size of its terminal, if it has one. It then has one stream of output, standard output.
    pub terminal: Option<TerminalSize>,
    /// Whether it runs in the background: without a wall time unless one is given. Its output has no limit, but only
    /// the last bytes of it are kept.
    pub background: bool,
    /// Whether processes that its first process leaves behind go on.
    pub keeps_background: bool,
    /// Its limits of wall time, output, memory and processes, the last two at most those of the session.
    pub limits: RequestedLimits,
}

/// What an execution executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionCall {
    /// A program, looked up in PATH, and its arguments.
    Program(Vec<String>),
    /// A command line of the shell.
    Shell(String),
    /// Source code.
    Code {
        /// Its language. Default: that of the session.
        language: Option<String>,
        /// The code.
        code: String,
        /// Arguments after the program's own name.
        args: Vec<String>,
    },
}

/// The standard input of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StdinSpec {
    /// It ends at once.
    #[default]
    Empty,
    /// These bytes, then its end.
    Bytes(Vec<u8>),
    /// What is written to the execution, until it is closed.
    Open,
}

impl ExecutionSpec {
    /// An execution with all defaults.
    #[must_use]
    pub fn new(call: ExecutionCall) -> Self {
        Self {
            id: None,
            call,
            env: Vec::new(),
            working_dir: None,
            stdin: StdinSpec::Empty,
            terminal: None,
            background: false,
            keeps_background: false,
            limits: RequestedLimits::default(),
        }
    }
}

/// What an execution is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionInfo {
    /// Its id, unique in its session.
    pub id: String,
    /// What it executes, for a list of them: printable and shortened.
    pub command: String,
    /// The id of its first process in the session, once that has started.
    pub pid: Option<u32>,
    /// When it was requested.
    pub started: SystemTime,
    /// How it ended, if it has.
    pub end: Option<ExecutionEnd>,
    /// Whether it runs in the background.
    pub background: bool,
    /// Whether it has a terminal.
    pub terminal: bool,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionEnd {
    /// How its first process ended.
    pub status: Status,
    /// Time from its start to its end.
    pub run_time: Duration,
    /// Processes that it left and that go on.
    pub left_running: u32,
}
