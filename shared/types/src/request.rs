//! A request to execute a program.

use crate::RequestedLimits;
use alloc::{string::String, vec::Vec};

/// One program, executed at most once. The contract `wit/types.wit` defines each field, unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Source text.
    pub code: String,
    /// Name of a language in the operator's table.
    pub language: Option<String>,
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// Environment variables: names and values.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Files to write to the working directory.
    pub files: Vec<File>,
    /// Glob patterns of the files to collect.
    pub collect: Vec<String>,
    /// Limits of this execution.
    pub limits: RequestedLimits,
    /// Name of a network profile.
    pub network: Option<String>,
    /// Name of an image, instead of that of the language. Not in the contract.
    pub image: Option<String>,
    /// Labels: keys and values.
    pub labels: Vec<(String, String)>,
}

/// A regular file of the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative path.
    pub path: String,
    /// The permission bits, such as `0o644`.
    pub mode: u32,
    /// The content.
    pub content: Vec<u8>,
}

impl File {
    /// A file with the permissions [`FILE_MODE`].
    #[must_use]
    pub fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: FILE_MODE, content: content.into() }
    }
}

/// The permission bits of a file for which none are given.
pub const FILE_MODE: u32 = 0o644;
/// The permission bits of a directory for which none are given.
pub const DIRECTORY_MODE: u32 = 0o755;
/// All permission bits: those for reading, writing and executing.
pub const PERMISSIONS: u32 = 0o777;
