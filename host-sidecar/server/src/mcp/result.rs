//! The result of a call. Pure.

use super::content;
use crate::api_error::describe;
use cofferdam_http_api::{ErrorCode, FileSummary, Outcome, Output, Problem, SkippedFile};
use cofferdam_rendering::{Stream, decode, render};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

/// The maximum number of skipped files in a structured result.
const MAX_SKIPPED: usize = 50;

/// The result of an execution. A program that fails is not an error of the tool: hosts turn errors into
/// exceptions, or show the model only their text.
pub(super) fn success(outcome: Outcome) -> CallToolResult {
    let summary = ContentBlock::text(summary(&outcome));
    let files = outcome.files.iter().map(|file| content::block(&outcome.id, file));
    let mut result = CallToolResult::success([summary].into_iter().chain(files).collect());
    result.structured_content = Some(structured(outcome));
    result
}

/// The result of a call that has no outcome.
pub(super) fn failure(problem: &Problem) -> CallToolResult {
    failure_with(problem, advice(problem))
}

/// The result of a call that has failed, with what the model can do.
pub(super) fn failure_with(problem: &Problem, advice: &str) -> CallToolResult {
    let (code, title, _) = describe(problem.code);
    let text = format!("error: {code} ({title})\n{}\n{advice}", problem.detail);
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!(problem));
    result
}

/// Tells the model what to do.
fn advice(problem: &Problem) -> &'static str {
    match problem.code {
        _ if problem.retryable => "The program did not start. The same call may succeed later.",
        ErrorCode::InvalidRequest
        | ErrorCode::TooLarge
        | ErrorCode::Denied
        | ErrorCode::NotFound
        | ErrorCode::Conflict => "The program was not executed: correct the call.",
        ErrorCode::Gone => "The session has ended, with its files and processes.",
        ErrorCode::Cancelled => "If the program had started, it was killed.",
        ErrorCode::Evicted | ErrorCode::Internal | ErrorCode::Unreachable => {
            "It is not known whether the program ran to its end. Its code is not the cause."
        }
        _ => {
            "The program was not executed, and its code is not the cause: tell the user, whose operator can solve \
             this."
        }
    }
}

/// The outcome as text for the model.
fn summary(outcome: &Outcome) -> String {
    let [stdout, stderr] = [&outcome.stdout, &outcome.stderr]
        .map(|Output { content, length, cut }| decode(content.0.clone(), *length, *cut).text);
    render(&cofferdam_rendering::Outcome {
        status: outcome.status,
        stdout: Stream { text: &stdout, length: outcome.stdout.length },
        stderr: Stream { text: &stderr, length: outcome.stderr.length },
        files: outcome.files.iter().map(|file| (&*file.path, file.content.0.len())).collect(),
        skipped: outcome.skipped.iter().map(|file| (&*file.path, &*file.reason)).collect(),
    })
}

/// The outcome as JSON. The content of the files is in the content blocks.
fn structured(mut outcome: Outcome) -> Value {
    let files: Vec<_> = std::mem::take(&mut outcome.files).iter().map(FileSummary::from).collect();
    let unlisted = outcome.skipped.len().saturating_sub(MAX_SKIPPED);
    if unlisted > 0 {
        outcome.skipped.truncate(MAX_SKIPPED);
        let reason = format!("{unlisted} more files were not collected");
        outcome.skipped.push(SkippedFile { path: "…".into(), reason });
    }
    let mut structured = json!(outcome);
    structured["files"] = json!(files);
    structured
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::schema;
    use cofferdam_http_api::{Bytes, File, Modes, Status, Timings};

    fn outcome(status: Status) -> Outcome {
        let output =
            |text: &str| Output { content: Bytes(text.into()), length: text.len() as u64, cut: None };
        Outcome {
            id: "run-0".into(),
            status,
            exit_code: Some(status.exit_code()),
            stdout: output("42\n"),
            stderr: output(""),
            files: vec![File { path: "a.txt".into(), content: Bytes(b"x".to_vec()) }],
            modes: Modes::default(),
            skipped: vec![
                SkippedFile { path: "l".into(), reason: "is a symbolic link".into() };
                MAX_SKIPPED + 3
            ],
            timings_ms: Timings { answered: 7, ..Timings::default() },
            warm: false,
        }
    }

    fn problem(code: ErrorCode, retryable: bool) -> Problem {
        let r#type = "urn:cofferdam:code".into();
        Problem {
            r#type,
            title: "title".into(),
            status: 500,
            detail: "why".into(),
            code,
            id: None,
            retryable,
            exceeded: None,
        }
    }

    /// Fails unless the schema knows each member of a structured result, and the result has each required
    /// member.
    fn assert_conforms(structured: &Value, schema: &Value) {
        let members = structured.as_object().expect("an object");
        let properties = schema["properties"].as_object().expect("an object");
        assert!(members.keys().all(|name| properties.contains_key(name)), "{structured} {schema}");
        let required = schema["required"].as_array().expect("an array");
        let names = required.iter().map(|name| name.as_str().expect("a string"));
        assert!(names.into_iter().all(|name| members.contains_key(name)), "{structured} {schema}");
    }

    #[test]
    fn a_program_that_fails_is_not_an_error() {
        let result = success(outcome(Status::Exited(1)));
        assert_eq!(result.is_error, Some(false));
        let text = result.content.first().and_then(ContentBlock::as_text).map(|text| text.text.clone());
        assert!(text.is_some_and(|text| {
            text.starts_with("exit code: 1\nstdout (3 bytes):\n```\n42\n```\nfiles: `a.txt`")
        }));
    }

    #[test]
    fn a_structured_result_is_an_outcome_without_the_content_of_files() {
        let mut expected = json!(outcome(Status::Killed(11)));
        expected["files"] = json!([{ "path": "a.txt", "size": 1 }]);
        let skipped = expected["skipped"].as_array_mut().expect("an array");
        skipped.truncate(MAX_SKIPPED);
        skipped.push(json!({ "path": "…", "reason": "3 more files were not collected" }));
        let structured =
            success(outcome(Status::Killed(11))).structured_content.expect("a structured result");
        assert_eq!(structured, expected);
        assert_eq!(
            (&structured["status"], &structured["exit_code"]),
            (&json!({ "killed": 11 }), &json!(139))
        );
        let schema = json!(schema::output());
        assert_conforms(&structured, &schema["anyOf"][0]);
        assert_conforms(&structured["files"][0], &schema["anyOf"][0]["properties"]["files"]["items"]);
        assert_conforms(&structured["stdout"], &schema["anyOf"][0]["properties"]["stdout"]);
    }

    #[test]
    fn an_error_says_what_to_do() {
        for (code, retryable, part) in [
            (ErrorCode::Overloaded, true, "The same call may succeed"),
            (ErrorCode::Denied, false, "correct the call"),
            (ErrorCode::SandboxUnavailable, false, "tell the user"),
            (ErrorCode::Evicted, false, "not known"),
            (ErrorCode::Cancelled, false, "it was killed"),
            (ErrorCode::Gone, false, "The session has ended"),
        ] {
            let problem = problem(code, retryable);
            let result = failure(&problem);
            let text = json!(result.content)[0]["text"].as_str().unwrap_or_default().to_owned();
            assert!(result.is_error == Some(true) && text.contains("why") && text.contains(part), "{text}");
            let structured = result.structured_content.expect("a structured result");
            assert_eq!(structured, json!(problem));
            assert_conforms(&structured, &json!(schema::output())["anyOf"][1]);
        }
    }
}
