//! The program as the runner gets it: every default applied, every bound set.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// One program with all that it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The interpreter and its own arguments; the name of `file` follows them.
    pub interpreter: Vec<String>,
    /// Name of the program's file in the work directory, such as `main.py`.
    pub file: String,
    /// Contents of that file.
    pub code: String,
    /// Arguments after the file's name.
    pub args: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Standard input.
    #[serde(with = "serde_bytes")]
    pub stdin: Vec<u8>,
    /// Files to lay into the work directory.
    pub files: Vec<InputFile>,
    /// Glob patterns of the files to bring back.
    pub collect: Vec<String>,
    /// Bounds of the run.
    pub limits: Limits,
}

/// A file of the work directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Relative path.
    pub path: String,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
}

/// Bounds that the runner enforces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds from the program's start to its end.
    pub wall_time_ms: u64,
    /// Thousandths of a processor that the program sees; none: all that the sandbox has.
    pub cpu_millis: Option<u32>,
    /// Bytes of memory of all processes together.
    pub memory_bytes: u64,
    /// Bytes of all writable directories together.
    pub disk_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u32,
    /// Bytes of each stream that are passed on whole; the tail beyond them is half of it.
    pub output_bytes: u64,
    /// Files brought back.
    pub collected_files: u32,
    /// Bytes of the files brought back, in all.
    pub collected_bytes: u64,
}
