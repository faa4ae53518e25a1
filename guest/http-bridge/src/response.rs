//! Interprets a response: an outcome, a problem, or not a response of a sidecar.

use crate::{
    error::BridgeError,
    exchange::{Response, ResponseHead},
};
use cofferdam_http_api::{Outcome, Output, PROBLEM, Problem, is_compatible};
use http_bridge_bindings::exports::cofferdam::code_executor::{
    sandbox::{Capture, Report},
    types::{File, SkippedFile, Status, Timings},
};

/// The media type of an outcome.
pub(crate) const JSON: &str = "application/json";
/// The media type of a stream of events.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// The report in a response.
pub(crate) fn read(response: &Response) -> Result<Report, BridgeError> {
    check_version(&response.head)?;
    let unexpected = BridgeError::UnexpectedResponse(response.head.status);
    if is_success(&response.head, JSON) {
        let outcome: Outcome = serde_json::from_slice(&response.body)
            .map_err(|error| if error.is_eof() { BridgeError::ConnectionLost } else { unexpected })?;
        return Ok(report(outcome));
    }
    if media_type(&response.head).eq_ignore_ascii_case(PROBLEM) {
        let problem: Problem = serde_json::from_slice(&response.body).map_err(|_| unexpected)?;
        return Err(BridgeError::Problem(problem));
    }
    Err(unexpected)
}

/// Whether the response is successful and has this media type.
pub(crate) fn is_success(head: &ResponseHead, expected: &str) -> bool {
    (200..300).contains(&head.status) && media_type(head).eq_ignore_ascii_case(expected)
}

fn media_type(head: &ResponseHead) -> &str {
    head.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

/// Rejects a sidecar of an incompatible version.
pub(crate) fn check_version(head: &ResponseHead) -> Result<(), BridgeError> {
    match head.version.as_deref() {
        Some(version) if !is_compatible(version) => {
            let printable = version.chars().filter(|c| !c.is_control()).take(40).collect();
            Err(BridgeError::IncompatibleVersion(printable))
        }
        _ => Ok(()),
    }
}

/// Converts the API's outcome to the contract's report.
pub(crate) fn report(outcome: Outcome) -> Report {
    let timings = outcome.timings_ms;
    Report {
        id: outcome.id,
        status: status(outcome.status),
        stdout: capture(outcome.stdout),
        stderr: capture(outcome.stderr),
        files: outcome
            .files
            .into_iter()
            .map(|file| File { path: file.path, content: file.content.0 })
            .collect(),
        skipped: outcome
            .skipped
            .into_iter()
            .map(|file| SkippedFile { path: file.path, reason: file.reason })
            .collect(),
        timings: Timings {
            queued: timings.queued,
            scheduled: timings.scheduled,
            pulled: timings.pulled,
            started: timings.started,
            finished: timings.finished,
            answered: timings.answered,
        },
        warm: outcome.warm,
    }
}

fn status(status: cofferdam_http_api::Status) -> Status {
    use cofferdam_http_api::Status as Api;
    match status {
        Api::Exited(code) => Status::Exited(code),
        Api::Killed(signal) => Status::Killed(signal),
        Api::TimedOut => Status::TimedOut,
        Api::OutOfMemory => Status::OutOfMemory,
        Api::OutOfDisk(code) => Status::OutOfDisk(code),
        Api::OutOfProcesses => Status::OutOfProcesses,
        Api::Cancelled => Status::Cancelled,
    }
}

fn capture(Output { content, length, cut }: Output) -> Capture {
    Capture { bytes: content.0, length, cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_http_api::VERSION;

    const OUTCOME: &str = r#"{
        "id": "run-1", "status": {"out-of-disk": 1}, "warm": true,
        "stdout": {"content": "out", "length": 9, "cut": 2}, "stderr": {"content": {"base64": "/w=="}, "length": 1},
        "files": [{"path": "f", "content": {"base64": "AA=="}}], "skipped": [{"path": "g", "reason": "a link"}],
        "timings_ms": {"started": 5, "answered": 7}
    }"#;
    const PROBLEM_BODY: &str = r#"{"type": "urn:cofferdam:denied", "title": "Denied", "status": 403, "detail": "no",
        "code": "denied", "retryable": false}"#;

    fn response(status: u16, content_type: &str, body: &str) -> Response {
        let head =
            ResponseHead { status, content_type: Some(content_type.into()), version: Some(VERSION.into()) };
        Response { head, body: body.into() }
    }

    #[test]
    fn every_field_of_an_outcome_is_converted() {
        let report = read(&response(200, "application/json; charset=utf-8", OUTCOME)).expect("a report");
        assert_eq!(report.id, "run-1");
        assert!(matches!(report.status, Status::OutOfDisk(1)));
        assert_eq!(
            (report.stdout.bytes, report.stdout.length, report.stdout.cut),
            (b"out".to_vec(), 9, Some(2))
        );
        assert_eq!((report.stderr.bytes, report.stderr.length, report.stderr.cut), (vec![255], 1, None));
        assert_eq!((&*report.files[0].path, &report.files[0].content), ("f", &vec![0]));
        assert_eq!((&*report.skipped[0].path, &*report.skipped[0].reason), ("g", "a link"));
        assert_eq!(
            (report.timings.started, report.timings.pulled, report.timings.answered),
            (Some(5), None, 7)
        );
        assert!(report.warm);
    }

    #[test]
    fn a_problem_is_recognised_whatever_its_status() {
        for status in [200, 403, 500] {
            let error = read(&response(status, PROBLEM, PROBLEM_BODY)).expect_err("a problem");
            assert!(
                matches!(error, BridgeError::Problem(Problem { detail, .. }) if detail == "no"),
                "{status}"
            );
        }
    }

    #[test]
    fn an_unexpected_response_is_reported_by_its_status() {
        for (status, content_type, body) in [
            (200, "text/html", "<html>"),
            (200, "application/json", "<html>"),
            (200, "application/json", "{}"),
            (200, "", OUTCOME),
            (404, "text/html", "<html>"),
            (502, PROBLEM, "{}"),
            (500, "application/json", OUTCOME),
        ] {
            let error = read(&response(status, content_type, body)).expect_err("an error");
            assert_eq!(error, BridgeError::UnexpectedResponse(status), "{content_type} {body}");
        }
    }

    #[test]
    fn a_truncated_outcome_means_a_lost_connection() {
        for length in [0, 1, 50, OUTCOME.len() - 1] {
            let error = read(&response(200, "application/json", &OUTCOME[..length])).expect_err("an error");
            assert_eq!(error, BridgeError::ConnectionLost, "{length}");
        }
    }

    #[test]
    fn only_another_minor_version_is_incompatible() {
        let version = |version: Option<&str>| {
            let mut response = response(200, "application/json", OUTCOME);
            response.head.version = version.map(Into::into);
            read(&response)
        };
        assert!(version(Some("0.1.99")).is_ok());
        for other in ["0.2.0", "1.1.0", "0", "", "0.10.0"] {
            assert_eq!(version(Some(other)).err(), Some(BridgeError::IncompatibleVersion(other.into())));
        }
        assert!(version(None).is_ok());
    }
}
