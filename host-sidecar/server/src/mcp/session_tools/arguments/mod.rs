//! The arguments of the tools for sessions. Pure.

mod files;
mod open;
mod run;

pub(super) use files::{ListFilesArguments, ReadFileArguments, WriteFileArguments};
pub(super) use open::{CloseArguments, OpenArguments};
pub(super) use run::{ReadOutputArguments, RunArguments};

use crate::mcp::argument_reader::invalid;
use cofferdam_core::session::{ExecutionSpec, SessionRequest};
use cofferdam_http_api::bounded::BoundedString;
use cofferdam_types::Error;
use std::time::Duration;

/// The id of a session or an execution.
const ID: BoundedString = BoundedString::name(128);
/// A path in a sandbox: PATH_MAX.
const PATH: BoundedString = BoundedString::name(4096);

/// What a call of a tool for sessions asks for.
#[derive(Debug)]
pub(in crate::mcp) enum SessionCall {
    Open(Box<SessionRequest>),
    Run { session: String, spec: Box<ExecutionSpec> },
    ReadOutput { session: String, execution: String, position: u64, wait: Duration },
    WriteFile { session: String, path: String, content: Vec<u8> },
    ReadFile { session: String, path: String },
    ListFiles { session: String, path: String, depth: u32 },
    Close { session: String },
}

fn session(id: Option<String>) -> Result<String, Error> {
    id.ok_or_else(|| invalid("session is missing; pass the id that open_session returned"))
}

fn path(path: Option<String>) -> Result<String, Error> {
    path.ok_or_else(|| invalid("path is missing; pass the path of a file in the session"))
}

#[cfg(test)]
mod tests {
    use super::{super::SessionTool, *};
    use cofferdam_core::session::{ExecutionCall, StdinSpec};
    use serde_json::{Value, json};

    fn read(tool: SessionTool, arguments: &Value) -> Result<SessionCall, String> {
        let message = json!({ "params": { "name": tool.name(), "arguments": arguments } });
        tool.read(message.to_string().as_bytes()).map_err(|error| error.message)
    }

    #[test]
    fn a_session_needs_no_argument_and_has_those_that_are_given() {
        let open = |arguments| match read(SessionTool::Open, &arguments) {
            Ok(SessionCall::Open(request)) => *request,
            other => panic!("{other:?}"),
        };
        assert_eq!(open(json!({})), SessionRequest::default());
        let nulls = json!({ "name": null, "limits": null, "env": null, "idle_timeout_seconds": null });
        assert_eq!(open(nulls), SessionRequest::default());
        let request = open(json!({
            "name": "a", "image": "i", "limits": { "memory_bytes": 5 }, "env": { "A": "b" },
            "working_dir": "/tmp", "timeout_seconds": 1.5, "idle_timeout_seconds": 2,
        }));
        assert_eq!((request.name.as_deref(), request.image.as_deref()), (Some("a"), Some("i")));
        assert_eq!((request.limits.memory_bytes, request.env), (Some(5), vec![("A".into(), "b".into())]));
        assert_eq!(request.working_dir.as_deref(), Some("/tmp"));
        let times = [request.timeout, request.idle_timeout, request.max_lifetime];
        assert_eq!(times, [Some(Duration::from_millis(1500)), Some(Duration::from_secs(2)), None]);
    }

    #[test]
    fn a_command_is_a_program_or_a_line_for_the_shell() {
        let run = |arguments| match read(SessionTool::Run, &arguments) {
            Ok(SessionCall::Run { session, spec }) => (session, *spec),
            other => panic!("{other:?}"),
        };
        let (session, spec) = run(json!({ "session": "s", "command": ["ls", "-l"], "timeout_seconds": 2 }));
        assert_eq!((&*session, spec.call), ("s", ExecutionCall::Program(vec!["ls".into(), "-l".into()])));
        assert_eq!((spec.limits.wall_time_ms, spec.stdin), (Some(2000), StdinSpec::Empty));
        let (_, spec) = run(json!({ "session": "s", "shell": "ls | wc", "stdin": "x", "background": true }));
        assert_eq!(spec.call, ExecutionCall::Shell("ls | wc".into()));
        assert_eq!((spec.stdin, spec.background), (StdinSpec::Bytes(b"x".into()), true));
    }

    #[test]
    fn a_written_file_is_text_or_base64() {
        for (arguments, expected) in [
            (json!({ "session": "s", "path": "p", "content": "ä" }), "ä".as_bytes()),
            (json!({ "session": "s", "path": "p", "content": null, "content_base64": "_w\nA" }), b"\xff\0"),
        ] {
            match read(SessionTool::WriteFile, &arguments) {
                Ok(SessionCall::WriteFile { content, .. }) => assert_eq!(content, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_error_names_the_argument() {
        use SessionTool::{Close, ListFiles, Open, ReadFile, ReadOutput, Run, WriteFile};
        let long = "x".repeat(5000);
        for (tool, arguments, part) in [
            (Open, json!({ "timeout": 5 }), "unknown argument `timeout`; the arguments are: name,"),
            (Open, json!({ "timeout_seconds": 0 }), "timeout_seconds must be greater than 0"),
            (Open, json!({ "idle_timeout_seconds": -1 }), "idle_timeout_seconds must be greater"),
            (Open, json!({ "limits": { "memory": 5 } }), "limits: unknown field `memory`"),
            (Open, json!({ "name": long }), "name: a name is longer than 128 bytes"),
            (Run, json!({}), "session is missing"),
            (Run, json!({ "session": "s" }), "either command or shell"),
            (Run, json!({ "session": "s", "shell": "a", "command": ["a"] }), "either command or shell"),
            (Run, json!({ "session": "s", "command": "ls" }), "command: invalid type: string"),
            (Run, json!({ "session": "s", "shell": "a", "background": "yes" }), "background: invalid type"),
            (ReadOutput, json!({ "session": "s" }), "execution is missing"),
            (ReadOutput, json!({ "session": "s", "execution": "e", "position": -1 }), "position: invalid"),
            (
                ReadOutput,
                json!({ "session": "s", "execution": "e", "wait_seconds": 301 }),
                "wait_seconds must be from 0 to 300",
            ),
            (WriteFile, json!({ "session": "s", "content": "" }), "path is missing"),
            (WriteFile, json!({ "session": "s", "path": "p" }), "either content or content_base64"),
            (
                WriteFile,
                json!({ "session": "s", "path": "p", "content": "", "content_base64": "" }),
                "either content or content_base64",
            ),
            (
                WriteFile,
                json!({ "session": "s", "path": "p", "content_base64": "?" }),
                "content_base64 is not valid base64",
            ),
            (ReadFile, json!({ "session": "s", "path": long }), "path: a name is longer than 4096 bytes"),
            (ReadFile, json!({ "path": "p" }), "session is missing"),
            (ListFiles, json!({ "session": "s", "depth": "1" }), "depth: invalid type"),
            (Close, json!({ "session": 5 }), "session: invalid type: integer"),
        ] {
            let message = read(tool, &arguments).expect_err("refused");
            assert!(message.contains(part), "{arguments:.200}: {message}");
            assert!(message.len() < 512 && !message.contains("line 1"), "{message}");
        }
    }
}
