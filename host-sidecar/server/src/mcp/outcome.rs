//! What came of a call. Pure.

use super::content;
use crate::problem::kind;
use cofferdam_http_api::{ErrorCode, Outcome, Output, Problem, SkippedFile, Status};
use cofferdam_rendering::{Stream, decode, render};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

/// Skipped files that are listed in a structured result.
const SKIPPED: usize = 50;

/// The result of a run that took place. A program that failed is no error of the tool, which has done what it was asked to:
/// hosts make exceptions of errors, or show a model nothing of them but their text.
pub(super) fn ran(outcome: &Outcome) -> CallToolResult {
    let [stdout, stderr] = [&outcome.stdout, &outcome.stderr]
        .map(|Output { content, length, cut }| decode(content.0.clone(), *length, *cut).text);
    let account = render(&cofferdam_rendering::Outcome {
        status: rendered(outcome.status),
        stdout: Stream { text: &stdout, length: outcome.stdout.length },
        stderr: Stream { text: &stderr, length: outcome.stderr.length },
        files: outcome.files.iter().map(|file| (&*file.path, file.content.0.len())).collect(),
        skipped: outcome.skipped.iter().map(|file| (&*file.path, &*file.reason)).collect(),
    });
    let files = outcome.files.iter().map(|file| content::block(&outcome.id, file));
    let mut result = CallToolResult::success([ContentBlock::text(account)].into_iter().chain(files).collect());
    result.structured_content = Some(structured(outcome, stdout, stderr));
    result
}

/// The result of a call that gave no outcome.
pub(super) fn failed(problem: &Problem) -> CallToolResult {
    let (code, title, _) = kind(problem.code);
    let text = format!("error: {code} ({title})\n{}\n{}", problem.detail, advice(problem));
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    let error = json!({ "code": code, "message": problem.detail, "retryable": problem.retryable });
    let mut structured = json!({ "status": "error", "error": error });
    if let Some(id) = &problem.id {
        structured["id"] = json!(id);
    }
    result.structured_content = Some(structured);
    result
}

/// What a model does now.
fn advice(problem: &Problem) -> &'static str {
    match problem.code {
        _ if problem.retryable => "The program did not start: the same call may succeed in a while.",
        ErrorCode::InvalidRequest | ErrorCode::TooLarge | ErrorCode::Denied => {
            "The program was not run: correct the call."
        }
        ErrorCode::Cancelled => "If the program had started, it was killed.",
        ErrorCode::Evicted | ErrorCode::Internal | ErrorCode::Unreachable => {
            "Whether the program ran to its end is not known. Its code is not the cause."
        }
        _ => "The program was not run, and its code is not the cause: tell the user, whose operator can mend this.",
    }
}

fn structured(outcome: &Outcome, stdout: String, stderr: String) -> Value {
    let stream =
        |text: String, output: &Output| json!({ "text": text, "length": output.length, "cut": output.cut.is_some() });
    let files = outcome
        .files
        .iter()
        .map(|file| json!({ "path": file.path, "size": file.content.0.len(), "mime_type": content::mime_type(file) }));
    let mut timings = json!(outcome.timings_ms);
    if let Value::Object(timings) = &mut timings {
        timings.retain(|_, time| !time.is_null());
    }
    let mut structured = json!({
        "id": outcome.id,
        "stdout": stream(stdout, &outcome.stdout),
        "stderr": stream(stderr, &outcome.stderr),
        "files": files.collect::<Vec<_>>(),
        "skipped": skipped(&outcome.skipped),
        "timings_ms": timings,
    });
    let (status, detail) = match outcome.status {
        Status::Exited(code) => ("exited", Some(("exit_code", code))),
        Status::Killed(signal) => ("killed", Some(("signal", signal))),
        Status::TimedOut => ("timed-out", None),
        Status::OutOfMemory => ("out-of-memory", None),
        Status::OutOfDisk(code) => ("out-of-disk", Some(("exit_code", code))),
        Status::OutOfProcesses => ("out-of-processes", None),
        Status::Cancelled => ("cancelled", None),
    };
    structured["status"] = json!(status);
    if let Some((name, number)) = detail {
        structured[name] = json!(number);
    }
    structured
}

fn skipped(files: &[SkippedFile]) -> Vec<Value> {
    let listed = files.iter().take(SKIPPED).map(|file| json!({ "path": file.path, "reason": file.reason }));
    let more = files.len().saturating_sub(SKIPPED);
    let rest = (more > 0).then(|| json!({ "path": "…", "reason": format!("{more} more files were not brought back") }));
    listed.chain(rest).collect()
}

fn rendered(status: Status) -> cofferdam_rendering::Status {
    use cofferdam_rendering::Status as Rendered;
    match status {
        Status::Exited(code) => Rendered::Exited(code),
        Status::Killed(signal) => Rendered::Killed(signal),
        Status::TimedOut => Rendered::TimedOut,
        Status::OutOfMemory => Rendered::OutOfMemory,
        Status::OutOfDisk(code) => Rendered::OutOfDisk(code),
        Status::OutOfProcesses => Rendered::OutOfProcesses,
        Status::Cancelled => Rendered::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::{Bytes, File, Timings};

    fn outcome(status: Status) -> Outcome {
        let output = |text: &str| Output { content: Bytes(text.into()), length: text.len() as u64, cut: None };
        Outcome {
            id: "run-0".into(),
            status,
            exit_code: Some(status.exit_code()),
            stdout: output("42\n"),
            stderr: output(""),
            files: vec![File { path: "a.txt".into(), content: Bytes(b"x".to_vec()) }],
            skipped: vec![SkippedFile { path: "l".into(), reason: "is a symbolic link".into() }; SKIPPED + 3],
            timings_ms: Timings { answered: 7, ..Timings::default() },
            warm: false,
        }
    }

    #[test]
    fn a_program_that_failed_is_no_error() {
        let result = ran(&outcome(Status::Exited(1)));
        assert_eq!(result.is_error, Some(false));
        let text = result.content.first().and_then(ContentBlock::as_text).map(|text| text.text.clone());
        assert!(
            text.is_some_and(|text| text.starts_with("exit code: 1\nstdout (3 bytes):\n```\n42\n```\nfiles: `a.txt`"))
        );
        let structured = result.structured_content.unwrap_or_default();
        assert_eq!((&structured["status"], &structured["exit_code"]), (&json!("exited"), &json!(1)));
        assert_eq!(structured["timings_ms"], json!({ "answered": 7 }));
        assert_eq!(structured["skipped"][SKIPPED]["reason"], "3 more files were not brought back");
    }

    #[test]
    fn an_error_says_what_to_do() {
        let code = |code, retryable| Problem {
            r#type: String::new(),
            title: String::new(),
            status: 0,
            detail: "why".into(),
            code,
            id: None,
            retryable,
        };
        for (problem, part) in [
            (code(ErrorCode::Overloaded, true), "the same call may succeed"),
            (code(ErrorCode::Denied, false), "correct the call"),
            (code(ErrorCode::SandboxUnavailable, false), "tell the user"),
            (code(ErrorCode::Evicted, false), "not known"),
            (code(ErrorCode::Cancelled, false), "it was killed"),
        ] {
            let result = failed(&problem);
            let text = json!(result.content)[0]["text"].as_str().unwrap_or_default().to_owned();
            assert!(result.is_error == Some(true) && text.contains("why") && text.contains(part), "{text}");
        }
    }
}
