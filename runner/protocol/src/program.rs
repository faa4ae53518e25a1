//! The program as the runner gets it: every default applied, every bound set.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// One program with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds from the program's start to its end.
    pub wall_time_ms: u64,
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

/// The bytes are no program: sidecar and runner are of different versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the program handed to the runner cannot be read; sidecar and runner are of different versions")]
pub struct MalformedProgram;

/// The bytes of `program` as they go to the runner: their length as four bytes, little-endian, then the program.
///
/// # Errors
///
/// [`MalformedProgram`] if it is longer than 4 GiB.
pub fn encode_program(program: &Program) -> Result<Vec<u8>, MalformedProgram> {
    let body = postcard::to_allocvec(program).map_err(|_| MalformedProgram)?;
    let length = u32::try_from(body.len()).map_err(|_| MalformedProgram)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Reads what [`encode_program`] wrote, without the four bytes of the length.
///
/// # Errors
///
/// [`MalformedProgram`] if `body` is anything else.
pub fn decode_program(body: &[u8]) -> Result<Program, MalformedProgram> {
    match postcard::take_from_bytes(body) {
        Ok((program, [])) => Ok(program),
        _ => Err(MalformedProgram),
    }
}
