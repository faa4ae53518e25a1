//! The program that the runner executes, with every default applied and every limit set.

use alloc::{string::String, vec::Vec};
use cofferdam_types::Limits;
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
    /// The variables of the request. The runner adds those of its container, and its own.
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
    /// Whether more files follow: the program is not started before [`Message::Start`](crate::Message::Start).
    pub has_more_files: bool,
}

/// A file of the working directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Path relative to the working directory.
    pub path: String,
    /// The permission bits.
    pub mode: u32,
    /// Contents of the file.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
}

/// An entry of the working directory that follows the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputEntry {
    /// Path relative to the working directory.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry of the working directory is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file with these permission bits. Its content follows.
    File(u32),
    /// A directory with these permission bits.
    Directory(u32),
    /// A symbolic link with this target.
    Link(String),
}
