//! The outcome of an execution.

use crate::{Bytes, Mode, Modes};
use alloc::{string::String, vec::Vec};
use cofferdam_types::{Capture, FILE_MODE, Report, SkippedFile, Status, milliseconds};
use serde::{Deserialize, Serialize};

/// A completed execution, as HTTP, MCP and `cofferdam run --json` return it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// Identifies the execution in the operator's logs: a DNS label of 1 to 63 characters.
    pub id: String,
    /// How the program ended.
    pub status: Status,
    /// The exit code of `cofferdam run`: the program's own; 128 plus the signal; 124 if it timed out; 137 if
    /// it was out of memory or processes; 130 if it was cancelled.
    // Sidecars before this member do not send it.
    #[cfg_attr(feature = "openapi", schema(value_type = u8, maximum = 255, required))]
    pub exit_code: Option<u8>,
    /// The program's standard output.
    pub stdout: Output,
    /// The program's standard error.
    pub stderr: Output,
    /// The collected files, sorted by path.
    pub files: Vec<File>,
    /// The permission bits of the collected files that have others than `644`, by path.
    // Beside the files: clients before this member ignore it here, and would refuse it in a file.
    #[serde(default, skip_serializing_if = "Modes::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = alloc::collections::BTreeMap<String, Mode>, required = false))]
    pub modes: Modes,
    /// The requested files that were not collected.
    pub skipped: Vec<SkippedFile>,
    /// When each phase ended.
    pub timings_ms: Timings,
    /// Whether the sandbox was prewarmed, that is, started before the request arrived.
    pub warm: bool,
}

/// What a program wrote to one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Output {
    /// The kept bytes: all of them, or the head and the tail.
    pub content: Bytes,
    /// Number of bytes that the program wrote. If the stream was truncated and the sandbox died early, a
    /// lower bound.
    pub length: u64,
    /// If the stream was truncated in the middle: how many bytes of `content` belong to the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<u64>,
}

/// A collected file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Relative path of 1 to 255 bytes with `/` as separator. No component is empty, `.` or `..`. NUL is not
    /// allowed.
    pub path: String,
    /// The file's bytes.
    pub content: Bytes,
}

/// A collected file in an outcome that is returned without the files' content: MCP returns the content in
/// content blocks, and `cofferdam run --json --out` writes it to a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileSummary {
    /// Relative path.
    pub path: String,
    /// The number of the file's bytes.
    pub size: usize,
}

impl From<&File> for FileSummary {
    fn from(file: &File) -> Self {
        Self { path: file.path.clone(), size: file.content.0.len() }
    }
}

/// Milliseconds from the request to the end of each phase. A phase that did not occur has no value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timings {
    /// The execution left the sidecar's queue.
    #[serde(default)]
    pub queued: Option<u64>,
    /// The sandbox was assigned to a node.
    #[serde(default)]
    pub scheduled: Option<u64>,
    /// The node had pulled the image.
    #[serde(default)]
    pub pulled: Option<u64>,
    /// The program started.
    #[serde(default)]
    pub started: Option<u64>,
    /// The program ended.
    #[serde(default)]
    pub finished: Option<u64>,
    /// The response was complete.
    pub answered: u64,
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        let unusual = report.files.iter().filter(|file| file.mode != FILE_MODE);
        Self {
            id: report.id,
            status: report.status,
            exit_code: Some(report.status.exit_code()),
            stdout: report.stdout.into(),
            stderr: report.stderr.into(),
            modes: Modes(unusual.map(|file| (file.path.clone(), Mode(file.mode))).collect()),
            files: report
                .files
                .into_iter()
                .map(|file| File { path: file.path, content: Bytes(file.content) })
                .collect(),
            skipped: report.skipped,
            timings_ms: report.timings.into(),
            warm: report.warm,
        }
    }
}

impl From<Capture> for Output {
    fn from(Capture { bytes, length, cut }: Capture) -> Self {
        Self { content: Bytes(bytes), length, cut }
    }
}

impl From<cofferdam_types::Timings> for Timings {
    fn from(timings: cofferdam_types::Timings) -> Self {
        Self {
            queued: timings.queued.map(milliseconds),
            scheduled: timings.scheduled.map(milliseconds),
            pulled: timings.pulled.map(milliseconds),
            started: timings.started.map(milliseconds),
            finished: timings.finished.map(milliseconds),
            answered: milliseconds(timings.answered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use serde_json::{Value, json};

    fn outcome() -> Value {
        let report = Report {
            id: "run-0".into(),
            status: Status::Killed(9),
            stdout: Capture { bytes: b"\xff".into(), length: 3, cut: Some(1) },
            stderr: Capture::default(),
            files: [("f", 0o755), ("g", FILE_MODE)]
                .map(|(path, mode)| cofferdam_types::File { path: path.into(), mode, content: b"a".into() })
                .into(),
            skipped: Vec::new(),
            timings: cofferdam_types::Timings { answered: Duration::from_millis(5), ..Default::default() },
            warm: true,
        };
        json!(Outcome::from(report))
    }

    #[test]
    fn an_outcome_has_every_member_of_its_report() {
        let unset: Option<u64> = None;
        let expected = json!({
            "id": "run-0",
            "status": { "killed": 9 },
            "exit_code": 137,
            "stdout": { "content": { "base64": "/w==" }, "length": 3, "cut": 1 },
            "stderr": { "content": "", "length": 0 },
            "files": [{ "path": "f", "content": "a" }, { "path": "g", "content": "a" }],
            "modes": { "f": "755" },
            "skipped": [],
            "timings_ms": {
                "queued": unset, "scheduled": unset, "pulled": unset, "started": unset, "finished": unset, "answered": 5,
            },
            "warm": true,
        });
        assert_eq!(outcome(), expected);
    }

    #[test]
    fn an_outcome_without_the_members_of_newer_sidecars_is_read() {
        let mut json = outcome();
        let read = |json: &Value| Outcome::deserialize(json).expect("an outcome");
        let modes = Modes([("f".into(), Mode(0o755))].into());
        assert_eq!((read(&json).exit_code, read(&json).modes), (Some(137), modes));
        for member in ["exit_code", "modes"] {
            json.as_object_mut().expect("an object").remove(member);
        }
        assert_eq!((read(&json).exit_code, read(&json).modes), (None, Modes::default()));
    }

    #[test]
    fn a_collected_file_has_the_members_that_older_clients_know() {
        for file in outcome()["files"].as_array().expect("files") {
            assert_eq!(file.as_object().expect("an object").keys().collect::<Vec<_>>(), ["content", "path"]);
        }
    }
}
