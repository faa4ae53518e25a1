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
    /// The content.
    pub content: Vec<u8>,
}
