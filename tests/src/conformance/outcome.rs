//! The result of a request, the same for every host.

use super::case::Status;
use cofferdam_component::{code_executor, types};
use cofferdam_http_api::Bytes;
use serde::Deserialize;

/// The fields of an outcome that cases can assert.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Outcome {
    pub(crate) id: String,
    pub(super) status: Status,
    pub(super) stdout: Output,
    pub(super) stderr: Output,
    pub(super) files: Vec<File>,
    pub(super) skipped: Vec<Skipped>,
    /// Whether the sandbox was prewarmed.
    pub warm: bool,
}

impl Outcome {
    /// The same without the id, which differs between executions.
    #[must_use]
    pub fn without_id(self) -> Self {
        Self { id: String::new(), ..self }
    }

    /// Whether the program exited with 0 and wrote this to its standard output.
    #[must_use]
    pub fn is_success(&self, stdout: &str) -> bool {
        self.status == Status::Exited(0) && self.stdout.text == stdout
    }

    /// Whether a stream or a file contains these bytes.
    pub(crate) fn contains(&self, part: &[u8]) -> bool {
        let streams = [&self.stdout, &self.stderr].into_iter().map(Output::kept);
        let mut all = streams.chain(self.files.iter().map(|file| file.content.0.as_slice()));
        all.any(|bytes| bytes.windows(part.len()).any(|window| window == part))
    }
}

/// One stream.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Output {
    pub(super) text: String,
    #[serde(default)]
    pub(super) bytes: Option<Bytes>,
    pub(super) length: u64,
    #[serde(default)]
    pub(super) cut: Option<u64>,
}

impl Output {
    /// The kept bytes. If there is only text, the text is all of them.
    pub(super) fn kept(&self) -> &[u8] {
        self.bytes.as_ref().map_or(self.text.as_bytes(), |bytes| &bytes.0)
    }
}

/// A collected file.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) content: Bytes,
}

/// A file that was not collected.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Skipped {
    pub(super) path: String,
}

/// An error of the contract.
#[derive(Debug, PartialEq, Deserialize)]
pub struct ContractError {
    /// The error code in the contract's spelling.
    pub code: String,
    /// What failed, for the caller.
    pub message: String,
    /// Whether the program certainly did not start.
    pub retryable: bool,
}

impl From<code_executor::Outcome> for Outcome {
    fn from(outcome: code_executor::Outcome) -> Self {
        Self {
            id: outcome.id,
            status: outcome.status.into(),
            stdout: outcome.stdout.into(),
            stderr: outcome.stderr.into(),
            files: outcome
                .files
                .into_iter()
                .map(|file| File { path: file.path, content: Bytes(file.content) })
                .collect(),
            skipped: outcome.skipped.into_iter().map(|file| Skipped { path: file.path }).collect(),
            warm: outcome.warm,
        }
    }
}

impl From<code_executor::Output> for Output {
    fn from(output: code_executor::Output) -> Self {
        Self { text: output.text, bytes: output.bytes.map(Bytes), length: output.length, cut: output.cut }
    }
}

impl From<types::Status> for Status {
    fn from(status: types::Status) -> Self {
        match status {
            types::Status::Exited(code) => Self::Exited(code),
            types::Status::Killed(signal) => Self::Killed(signal),
            types::Status::TimedOut => Self::TimedOut,
            types::Status::OutOfMemory => Self::OutOfMemory,
            types::Status::OutOfDisk(code) => Self::OutOfDisk(code),
            types::Status::OutOfProcesses => Self::OutOfProcesses,
            types::Status::Cancelled => Self::Cancelled,
        }
    }
}

impl From<types::Error> for ContractError {
    fn from(error: types::Error) -> Self {
        // The `Debug` form is `ErrorCode::InvalidRequest`.
        let written = format!("{:?}", error.code);
        let mut code = String::new();
        for character in written.rsplit(':').next().unwrap_or_default().chars() {
            if character.is_uppercase() && !code.is_empty() {
                code.push('-');
            }
            code.extend(character.to_lowercase());
        }
        Self { code, message: error.message, retryable: error.retryable }
    }
}
