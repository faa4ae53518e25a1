//! The program that the runner executes, with every default applied and every limit set.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// One program with its inputs and limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The interpreter and its arguments, which precede the name of `file`.
    pub interpreter: Vec<String>,
    /// Name of the program's file in the working directory, such as `main.py`.
    pub file: String,
    /// Contents of that file.
    pub code: String,
    /// Arguments after the file's name.
    pub args: Vec<String>,
    /// The complete environment.
    pub env: Vec<(String, String)>,
    /// Standard input.
    #[serde(with = "serde_bytes")]
    pub stdin: Vec<u8>,
    /// Files to write into the working directory.
    pub files: Vec<InputFile>,
    /// Glob patterns of the files to collect.
    pub collect: Vec<String>,
    /// Limits of the run.
    pub limits: Limits,
}

/// A file of the working directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Path relative to the working directory.
    pub path: String,
    /// Contents of the file.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
}

/// Limits that the runner enforces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds from the program's start to its termination.
    pub wall_time_ms: u64,
    /// Thousandths of a CPU that the program sees; if not set, all CPUs of the sandbox.
    pub cpu_millis: Option<u32>,
    /// Bytes of memory, in total of all processes.
    pub memory_bytes: u64,
    /// Bytes of disk, in total of all writable directories.
    pub disk_bytes: u64,
    /// Number of processes and threads that exist at the same time.
    pub processes: u32,
    /// Bytes of each output stream that are sent at once. Beyond them, a tail of up to half as many bytes is
    /// sent at the end.
    pub output_bytes: u64,
    /// Number of collected files.
    pub collected_files: u32,
    /// Bytes of collected files, in total.
    pub collected_bytes: u64,
}
