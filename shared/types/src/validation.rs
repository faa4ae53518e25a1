//! Validates a request against the limits of the contract, as `wit/types.wit` states them. The guest
//! validates requests for hosts that trust it. The sidecar validates them again, since it trusts no guest.

use crate::{RequestedLimits, quoted};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Maximum bytes of a program's source code.
pub const MAX_CODE: usize = 1 << 20;
/// Maximum number of arguments, and of environment variables.
pub const MAX_ARGS: usize = 1024;
/// Maximum bytes of all arguments, and of the whole environment.
pub const MAX_ARGS_BYTES: usize = 128 << 10;
/// Maximum bytes of standard input, and of all input files together.
pub const MAX_INPUT: usize = 8 << 20;
/// Maximum number of input files.
pub const MAX_FILES: usize = 1024;
/// Maximum number of files, directories and links together, where they are streamed instead.
pub const MAX_STREAMED_FILES: usize = 50_000;
/// Maximum bytes of a path.
pub const MAX_PATH: usize = 255;
/// Maximum number of patterns of files to collect.
pub const MAX_PATTERNS: usize = 64;
/// Maximum bytes of the name of a language or a network profile.
pub const MAX_NAME: usize = MAX_LABEL_KEY;
/// Maximum bytes of the name of an image.
pub const MAX_IMAGE: usize = 520;
/// Maximum number of labels.
pub const MAX_LABELS: usize = 16;
/// Maximum bytes of a label's key, as in Kubernetes.
pub const MAX_LABEL_KEY: usize = 63;
/// Maximum bytes of a label's value.
pub const MAX_LABEL_VALUE: usize = 256;
/// The default language.
pub const DEFAULT_LANGUAGE: &str = "python";
/// The default network profile.
pub const DEFAULT_NETWORK: &str = "none";

/// The parts of a request that the contract limits.
#[derive(Debug, Default, Clone)]
pub struct RequestView<'a> {
    /// Source code.
    pub code: &'a str,
    /// Arguments.
    pub args: &'a [String],
    /// Environment variables: names and values.
    pub env: Vec<(&'a str, &'a str)>,
    /// Size of standard input in bytes.
    pub stdin: usize,
    /// Input files: paths and sizes in bytes.
    pub files: Vec<(&'a str, usize)>,
    /// Patterns of files to collect.
    pub collect: &'a [String],
    /// Requested limits.
    pub limits: RequestedLimits,
    /// Labels: keys and values.
    pub labels: Vec<(&'a str, &'a str)>,
}

/// Why a request is invalid, for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The request violates the contract.
    #[error("{0}")]
    Invalid(String),
    /// The request is larger than the contract allows.
    #[error("{0}")]
    TooLarge(String),
}

/// Validates a request against the contract.
///
/// # Errors
///
/// The first [`Violation`] found.
pub fn check(request: &RequestView<'_>) -> Result<(), Violation> {
    code(request.code)?;
    args(request.args)?;
    env(&request.env)?;
    at_most("stdin", request.stdin, MAX_INPUT, "bytes")?;
    files(&request.files)?;
    collect(request.collect)?;
    for (name, value) in request.limits.set_limits() {
        require(value > 0, || format!("limits: {name} is zero; leave it out for the default"))?;
    }
    labels(&request.labels)
}

fn require(condition: bool, message: impl FnOnce() -> String) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(Violation::Invalid(message())) }
}

fn at_most(what: &str, count: usize, max: usize, unit: &str) -> Result<(), Violation> {
    if count <= max {
        return Ok(());
    }
    Err(Violation::TooLarge(format!("{what}: {count} {unit}, of which at most {max} are allowed")))
}

fn no_nul(what: &str, text: &str) -> Result<(), Violation> {
    require(!text.contains('\0'), || format!("{what} contains a NUL character"))
}

/// Every unordered pair of names. There are at most [`MAX_ARGS`] names, that is, half a million pairs.
fn pairs<'a>(names: impl Iterator<Item = &'a str> + Clone) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut rest = names.clone();
    names.flat_map(move |name| {
        rest.next();
        rest.clone().map(move |other| (name, other))
    })
}

/// Rejects duplicate names.
fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<(), Violation> {
    pairs(names).try_for_each(|(name, other)| {
        require(name != other, || format!("{what} {} is given twice", quoted(name)))
    })
}

fn code(code: &str) -> Result<(), Violation> {
    at_most("code", code.len(), MAX_CODE, "bytes")?;
    no_nul("code", code)
}

fn args(args: &[String]) -> Result<(), Violation> {
    at_most("args", args.len(), MAX_ARGS, "arguments")?;
    at_most("args", args.iter().map(String::len).sum(), MAX_ARGS_BYTES, "bytes in all")?;
    args.iter().try_for_each(|arg| no_nul("args: an argument", arg))
}

fn env(env: &[(&str, &str)]) -> Result<(), Violation> {
    at_most("env", env.len(), MAX_ARGS, "variables")?;
    at_most(
        "env",
        env.iter().map(|(name, value)| name.len() + value.len()).sum(),
        MAX_ARGS_BYTES,
        "bytes in all",
    )?;
    for (name, value) in env {
        require(!name.is_empty(), || "env: a variable has no name".to_string())?;
        require(!name.contains('='), || {
            format!("env: the name of the variable {} contains `=`", quoted(name))
        })?;
        no_nul("env: a variable's name", name)?;
        no_nul("env: a variable's value", value)?;
    }
    unique("env: the variable", env.iter().map(|(name, _)| *name))
}

fn files(files: &[(&str, usize)]) -> Result<(), Violation> {
    at_most("files", files.len(), MAX_FILES, "files")?;
    at_most("files", files.iter().map(|(_, size)| *size).sum(), MAX_INPUT, "bytes in all")?;
    files.iter().try_for_each(|(path, _)| relative_path(path))?;
    let paths = || files.iter().map(|(path, _)| *path);
    unique("files: the path", paths())?;
    let is_directory_of =
        |dir: &str, path: &str| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    pairs(paths()).try_for_each(|(one, other)| {
        require(!is_directory_of(one, other) && !is_directory_of(other, one), || {
            format!(
                "files: of {} and {}, one is given as a file and as the directory of the other",
                quoted(one),
                quoted(other)
            )
        })
    })
}

/// Checks that a path names a file below the working directory.
///
/// # Errors
///
/// A [`Violation`] that names the path.
pub fn relative_path(path: &str) -> Result<(), Violation> {
    require(!path.is_empty(), || "files: a path is empty".to_string())?;
    require(path.len() <= MAX_PATH, || {
        format!("files: the path {} is longer than {MAX_PATH} bytes", quoted(path))
    })?;
    no_nul("files: a path", path)?;
    require(!path.starts_with('/'), || {
        format!("files: the path {} is absolute; give one relative to the working directory", quoted(path))
    })?;
    require(path.split('/').all(|part| !matches!(part, "" | "." | "..")), || {
        format!("files: the path {} has a part that is empty, `.` or `..`", quoted(path))
    })
}

fn collect(patterns: &[String]) -> Result<(), Violation> {
    at_most("collect", patterns.len(), MAX_PATTERNS, "patterns")?;
    for pattern in patterns {
        require(!pattern.is_empty(), || "collect: a pattern is empty".to_string())?;
        require(pattern.len() <= MAX_PATH, || {
            format!("collect: the pattern {} is longer than {MAX_PATH} bytes", quoted(pattern))
        })?;
        no_nul("collect: a pattern", pattern)?;
        require(!pattern.starts_with('/') && pattern.split('/').all(|part| part != ".."), || {
            format!("collect: the pattern {} leads out of the working directory", quoted(pattern))
        })?;
    }
    Ok(())
}

fn labels(labels: &[(&str, &str)]) -> Result<(), Violation> {
    at_most("labels", labels.len(), MAX_LABELS, "labels")?;
    for (key, value) in labels {
        require(is_label_key(key), || {
            format!(
                "labels: the key {} is not 1 to {MAX_LABEL_KEY} letters, digits, `-`, `_` and `.`",
                quoted(key)
            )
        })?;
        require(value.len() <= MAX_LABEL_VALUE && !value.chars().any(char::is_control), || {
            format!(
                "labels: the value of {} is longer than {MAX_LABEL_VALUE} bytes or has control characters",
                quoted(key)
            )
        })?;
    }
    unique("labels: the key", labels.iter().map(|(key, _)| *key))
}

fn is_label_key(key: &str) -> bool {
    let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    key.len() <= MAX_LABEL_KEY
        && outer(key.bytes().next())
        && outer(key.bytes().last())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests;
