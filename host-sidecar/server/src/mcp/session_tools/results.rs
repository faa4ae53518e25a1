//! The results of the tools for sessions: a text for the model, and a structured result. Pure.

use super::output_part::OutputPart;
use crate::{
    mcp::{content, result::failure_with, utf8::incomplete_length},
    sessions::{execution_to_json, session_to_json},
};
use cofferdam_core::session::{ExecutionInfo, SessionInfo};
use cofferdam_http_api::{
    Bytes, ErrorCode, File, FileSummary, Problem,
    session::{FileEntry, FileKind, StreamName},
};
use cofferdam_rendering::{Stream, decode, render_stream, status_line};
use cofferdam_types::quoted;
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::{Value, json};
use std::{fmt::Write, time::SystemTime};
use utoipa::ToSchema;

/// Entries of a directory that are returned.
pub(super) const MAX_LISTED_ENTRIES: usize = 200;

/// What was read of a file. The content is in a content block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadFile {
    /// The path.
    pub(super) path: String,
    /// Bytes that are returned.
    pub(super) returned: usize,
    /// Whether the file has more bytes than those.
    pub(super) truncated: bool,
}

fn result(text: String, structured: Value) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(structured);
    result
}

/// An open session. `now` is the time now.
pub(super) fn session(info: SessionInfo, is_new: bool, now: SystemTime) -> CallToolResult {
    let rest = info.expires.duration_since(now).unwrap_or_default().as_secs();
    let text = format!(
        "session: {}\n{}\nworking directory: {}\nends in {rest} s, or after {} s without a running command and without a \
         call\n",
        info.id,
        if is_new { "it is new" } else { "it was open already, with its files and processes" },
        quoted(&info.working_dir),
        info.idle_timeout.as_secs_f64(),
    );
    let mut structured = json!(session_to_json(info));
    structured["is_new"] = is_new.into();
    result(text, structured)
}

/// A command that has started in the background.
pub(super) fn started(info: ExecutionInfo) -> CallToolResult {
    let mut text = format!("execution: {}\n", info.id);
    match (info.end, info.pid) {
        (Some(end), _) => text += &status_line(end.status),
        (None, Some(pid)) => {
            let _ = write!(text, "running in the background, pid {pid}");
        }
        (None, None) => text += "running in the background",
    }
    text += "\nread_output returns its output\n";
    result(text, json!(execution_to_json(info)))
}

/// A part of the output of an execution.
pub(super) fn output(part: OutputPart) -> CallToolResult {
    let mut text = part.execution.end.map_or_else(|| "running".into(), |end| status_line(end.status));
    text.push('\n');
    if part.missing > 0 {
        let _ = writeln!(text, "{} bytes before these are not kept any longer", part.missing);
    }
    for (name, bytes) in [("stdout", &part.stdout), ("stderr", &part.stderr)] {
        let length = bytes.0.len() as u64;
        let decoded = decode(bytes.0.clone(), length, None).text;
        let stream = Stream { text: &decoded, length };
        // Of bytes that are no text, each may become three.
        text += &render_stream(name, stream, decoded.len());
    }
    if part.stdout.0.is_empty() && part.stderr.0.is_empty() {
        text += if part.complete { "no more output\n" } else { "no output yet\n" };
    }
    for stream in &part.truncated {
        let name = match stream {
            StreamName::Stdout => "stdout",
            StreamName::Stderr => "stderr",
        };
        let _ = writeln!(text, "{name} has reached its limit: no more of it follows");
    }
    if !part.complete {
        let _ = writeln!(text, "next position: {}", part.next_position);
    }
    result(text, json!(part))
}

/// A file that was written.
pub(super) fn written(path: String, size: usize) -> CallToolResult {
    let text = format!("written: {} ({size} bytes)\n", quoted(&path));
    result(text, json!(FileSummary { path, size }))
}

/// The first bytes of a file of a session.
pub(super) fn file(session: &str, path: String, mut bytes: Vec<u8>, truncated: bool) -> CallToolResult {
    if truncated {
        // The beginning of a character would make the text binary.
        bytes.truncate(bytes.len() - incomplete_length(&bytes));
    }
    let returned = bytes.len();
    let cut = if truncated { ": the first ones; read the rest in parts with run_command" } else { "" };
    let text = format!("{} ({returned} bytes{cut})\n", quoted(&path));
    let block =
        content::block(session, &File { path: path.trim_start_matches('/').into(), content: Bytes(bytes) });
    let mut result = result(text, json!(ReadFile { path, returned, truncated }));
    result.content.push(block);
    result
}

/// The entries of a directory, sorted by path, and the number of all of them.
pub(super) fn entries(path: &str, entries: &[FileEntry], total: usize) -> CallToolResult {
    let mut text = format!("{}: {total} entries", quoted(path));
    if total > entries.len() {
        let _ = write!(text, ", of which these are the first {}", entries.len());
    }
    text.push('\n');
    for entry in entries {
        let path = quoted(&entry.path);
        let _ = match entry.kind {
            FileKind::File => writeln!(text, "{path} ({} bytes)", entry.size),
            FileKind::Directory => writeln!(text, "{path} (directory)"),
            FileKind::Link => {
                writeln!(text, "{path} (link to {})", quoted(entry.target.as_deref().unwrap_or_default()))
            }
            FileKind::Other => writeln!(text, "{path} (neither a file nor a directory)"),
        };
    }
    result(text, json!({ "entries": entries, "total": total }))
}

/// A session that was closed.
pub(super) fn closed(id: &str) -> CallToolResult {
    result("the session is closed\n".into(), json!({ "id": id }))
}

/// The result of a call that has failed and executes no program.
pub(in crate::mcp) fn call_failure(problem: &Problem) -> CallToolResult {
    failure_with(problem, advice(problem))
}

/// Tells the model what to do.
fn advice(problem: &Problem) -> &'static str {
    match problem.code {
        _ if problem.retryable => "Nothing was done. The same call may succeed later.",
        ErrorCode::InvalidRequest
        | ErrorCode::TooLarge
        | ErrorCode::Denied
        | ErrorCode::NotFound
        | ErrorCode::Conflict => "Nothing was done: correct the call.",
        ErrorCode::Gone => "The session has ended, with its files and processes.",
        ErrorCode::Evicted | ErrorCode::Internal | ErrorCode::Unreachable | ErrorCode::Cancelled => {
            "It is not known whether the call had an effect."
        }
        _ => "Nothing was done, and the call is not the cause: tell the user, whose operator can solve this.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::Status;

    fn text(result: &CallToolResult) -> String {
        json!(result.content)[0]["text"].as_str().expect("a text").into()
    }

    fn part(end: Option<Status>, stdout: &[u8], missing: u64, complete: bool) -> OutputPart {
        let end = end.map(|status| cofferdam_http_api::session::ExecutionEnd {
            status,
            exit_code: status.exit_code(),
            run_time_ms: 1,
            left_running: 0,
        });
        let execution = cofferdam_http_api::session::SessionExecution {
            id: "exec-0".into(),
            command: "x".into(),
            pid: Some(7),
            started_ms: 1,
            background: true,
            terminal: false,
            end,
        };
        OutputPart {
            execution,
            stdout: Bytes(stdout.into()),
            stderr: Bytes(vec![]),
            missing,
            truncated: vec![],
            next_position: 9,
            complete,
        }
    }

    #[test]
    fn output_is_fenced_and_says_where_to_read_on() {
        let result = output(part(None, b"```\nexit code: 0\n", 4, false));
        let expected = "running\n4 bytes before these are not kept any longer\nstdout (17 bytes):\n````\n```\nexit code: \
                        0\n````\nnext position: 9\n";
        assert_eq!(text(&result), expected);
        let result = output(part(Some(Status::Exited(3)), b"", 0, true));
        assert_eq!(text(&result), "exit code: 3\nno more output\n");
        // Bytes that are no text are shown all the same.
        let result = output(part(None, &[0xff; 9000], 0, false));
        assert_eq!(text(&result).matches('\u{fffd}').count(), 9000);
        assert!(result.structured_content.expect("a result")["stdout"]["base64"].is_string());
    }

    #[test]
    fn a_file_that_is_cut_stays_text() {
        let result = file("session-0", "/work/a b".into(), "grü".as_bytes()[..3].into(), true);
        let blocks = json!(result.content);
        assert_eq!(
            (&blocks[1]["resource"]["text"], &blocks[1]["resource"]["uri"]),
            (&json!("gr"), &json!("cofferdam://session-0/work/a%20b"))
        );
        assert!(text(&result).contains("2 bytes: the first ones"), "{}", text(&result));
        let structured = json!({ "path": "/work/a b", "returned": 2, "truncated": true });
        assert_eq!(result.structured_content, Some(structured));
        let result = file("session-0", "x".into(), vec![0xff], false);
        assert_eq!(json!(result.content)[1]["resource"]["blob"], "/w==");
    }

    #[test]
    fn the_name_of_an_entry_cannot_forge_another() {
        let entry = FileEntry {
            path: "a` (1 bytes)\n`b".into(),
            path_bytes: None,
            kind: FileKind::File,
            size: 2,
            mode: cofferdam_http_api::Mode(0o644),
            modified_ms: 1,
            target: None,
            target_bytes: None,
        };
        let result = entries("/work", &[entry], 3);
        assert_eq!(
            text(&result),
            "`/work`: 3 entries, of which these are the first 1\n`a\u{fffd} (1 bytes)\u{fffd}\u{fffd}b` (2 bytes)\n"
        );
    }
}
