//! Conversions between the bodies of the HTTP API and the types of the core. They decide nothing.

use crate::api_error::ApiError;
use cofferdam_core::session::{
    self, ExecutionCall, ExecutionInfo, ExecutionSpec, SessionInfo, StdinSpec, TerminalSize,
};
use cofferdam_http_api::{
    Mode,
    session::{
        ExecutionEnd, ExecutionRequest, FileEntry, FileKind, Session, SessionExecution, SessionRequest,
        SessionUpdate, Usage, name_of,
    },
};
use cofferdam_types::{Limits, PERMISSIONS, RequestedLimits, milliseconds};
use http::StatusCode;
use std::time::{Duration, SystemTime};

pub(crate) fn session_request(request: SessionRequest) -> session::SessionRequest {
    session::SessionRequest {
        name: request.name,
        language: request.language,
        image: request.image,
        network: request.network,
        limits: request.limits,
        env: request.env.into_iter().collect(),
        working_dir: request.working_dir,
        metadata: request.metadata,
        timeout: request.timeout_ms.map(Duration::from_millis),
        max_lifetime: request.max_lifetime_ms.map(Duration::from_millis),
        idle_timeout: request.idle_timeout_ms.map(Duration::from_millis),
    }
}

pub(crate) fn session_update(update: SessionUpdate) -> session::SessionUpdate {
    session::SessionUpdate {
        timeout: update.timeout_ms.map(Duration::from_millis),
        idle_timeout: update.idle_timeout_ms.map(Duration::from_millis),
        metadata: update.metadata,
    }
}

pub(crate) fn session_to_json(info: SessionInfo) -> Session {
    Session {
        id: info.id,
        name: info.name,
        language: info.language,
        image: info.image,
        metadata: info.metadata,
        created_ms: since_1970(info.created),
        expires_ms: since_1970(info.expires),
        ends_at_most_ms: since_1970(info.ends_at_most),
        idle_timeout_ms: milliseconds(info.idle_timeout),
        working_dir: info.working_dir,
        limits: limits_to_json(&info.limits),
        executions: info.executions,
        warm: info.warm,
    }
}

/// Those limits that a session has.
fn limits_to_json(limits: &Limits) -> RequestedLimits {
    RequestedLimits {
        wall_time_ms: Some(limits.wall_time_ms),
        cpu_millis: limits.cpu_millis,
        memory_bytes: Some(limits.memory_bytes),
        disk_bytes: Some(limits.disk_bytes),
        processes: Some(limits.processes),
        output_bytes: Some(limits.output_bytes),
        ..RequestedLimits::default()
    }
}

pub(crate) fn usage_to_json(usage: session::Usage) -> Usage {
    Usage {
        memory_bytes: usage.memory_bytes,
        disk_bytes: usage.disk_bytes,
        processes: usage.processes,
        cpu_time_ms: milliseconds(usage.cpu_time),
    }
}

/// The specification of an execution. Refuses a request whose members contradict each other.
pub(crate) fn execution_spec(request: ExecutionRequest) -> Result<ExecutionSpec, ApiError> {
    if request.code.is_none() && (request.language.is_some() || !request.args.is_empty()) {
        return Err(invalid("`language` and `args` belong to `code`, which the request does not have"));
    }
    let call = match (request.command, request.shell, request.code) {
        (Some(command), None, None) => ExecutionCall::Program(command),
        (None, Some(line), None) => ExecutionCall::Shell(line),
        (None, None, Some(code)) => {
            ExecutionCall::Code { language: request.language, code, args: request.args }
        }
        _ => return Err(invalid("the request must have exactly one of `command`, `shell` and `code`")),
    };
    let stdin = match request.stdin {
        Some(_) if request.open_stdin => {
            return Err(invalid("the request has both `stdin` and `open_stdin`"));
        }
        Some(bytes) => StdinSpec::Bytes(bytes.0),
        None if request.open_stdin || request.terminal.is_some() => StdinSpec::Open,
        None => StdinSpec::Empty,
    };
    Ok(ExecutionSpec {
        id: request.id,
        call,
        env: request.env.into_iter().collect(),
        working_dir: request.working_dir,
        stdin,
        terminal: request.terminal.map(|size| TerminalSize { columns: size.columns, rows: size.rows }),
        background: request.background,
        keeps_background: request.keeps_background,
        limits: request.limits,
    })
}

fn invalid(text: &str) -> ApiError {
    ApiError::invalid(StatusCode::BAD_REQUEST, text)
}

pub(crate) fn execution_to_json(info: ExecutionInfo) -> SessionExecution {
    SessionExecution {
        id: info.id,
        command: info.command,
        pid: info.pid,
        started_ms: since_1970(info.started),
        background: info.background,
        terminal: info.terminal,
        end: info.end.map(end_to_json),
    }
}

pub(crate) fn end_to_json(end: session::ExecutionEnd) -> ExecutionEnd {
    ExecutionEnd {
        status: end.status,
        exit_code: end.status.exit_code(),
        run_time_ms: milliseconds(end.run_time),
        left_running: end.left_running,
    }
}

pub(crate) fn entry_to_json(entry: &session::FileEntry) -> FileEntry {
    let (path, path_bytes) = name_of(&entry.path);
    let target = (entry.kind == session::FileKind::Link).then(|| name_of(&entry.target));
    let (target, target_bytes) = target.map_or((None, None), |(text, bytes)| (Some(text), bytes));
    FileEntry {
        path,
        path_bytes,
        kind: match entry.kind {
            session::FileKind::File => FileKind::File,
            session::FileKind::Directory => FileKind::Directory,
            session::FileKind::Link => FileKind::Link,
            session::FileKind::Other => FileKind::Other,
        },
        size: entry.size,
        mode: Mode(entry.mode & PERMISSIONS),
        modified_ms: milliseconds(entry.modified),
        target,
        target_bytes,
    }
}

fn since_1970(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::{Bytes, Problem, session::TerminalSize as Size};

    fn refusal(request: ExecutionRequest) -> String {
        execution_spec(request).map_or_else(|error| Problem::from(error).detail, |_| "accepted".into())
    }

    #[test]
    fn a_request_has_exactly_one_call() {
        let shell = || ExecutionRequest { shell: Some("ls".into()), ..ExecutionRequest::default() };
        assert_eq!(refusal(shell()), "accepted");
        for request in [
            ExecutionRequest::default(),
            ExecutionRequest { command: Some(vec!["ls".into()]), ..shell() },
            ExecutionRequest { code: Some("1".into()), ..shell() },
        ] {
            assert!(refusal(request).contains("exactly one"));
        }
        assert!(refusal(ExecutionRequest { args: vec!["a".into()], ..shell() }).contains("belong to `code`"));
        let both = ExecutionRequest { stdin: Some(Bytes(vec![])), open_stdin: true, ..shell() };
        assert!(refusal(both).contains("both `stdin` and `open_stdin`"));
    }

    #[test]
    fn a_terminal_keeps_standard_input_open() {
        let stdin = |request| execution_spec(request).map(|spec| spec.stdin).ok();
        let shell = || ExecutionRequest { shell: Some("ls".into()), ..ExecutionRequest::default() };
        assert_eq!(stdin(shell()), Some(StdinSpec::Empty));
        assert_eq!(stdin(ExecutionRequest { open_stdin: true, ..shell() }), Some(StdinSpec::Open));
        let terminal = Some(Size { columns: 80, rows: 24 });
        assert_eq!(stdin(ExecutionRequest { terminal, ..shell() }), Some(StdinSpec::Open));
    }

    #[test]
    fn a_link_has_a_target_and_no_name_is_lost() {
        let entry = session::FileEntry {
            path: b"a\xff".into(),
            kind: session::FileKind::Link,
            size: 2,
            mode: 0o104_777,
            modified: Duration::from_millis(1500),
            target: b"b".into(),
        };
        let json = entry_to_json(&entry);
        assert_eq!((json.path.as_str(), json.path_bytes.as_deref()), ("a\u{fffd}", Some("Yf8=")));
        assert_eq!((json.target.as_deref(), json.target_bytes), (Some("b"), None));
        assert_eq!((json.mode, json.modified_ms), (Mode(0o777), 1500));
        let file = session::FileEntry { kind: session::FileKind::File, target: vec![], ..entry };
        assert_eq!(entry_to_json(&file).target, None);
    }
}
