//! An answer, understood: an outcome, a problem, or not a sidecar's at all.

use crate::{
    exchange::{Answer, Head},
    failure::Failure,
};
use cofferdam_http_api::{Outcome, Output, PROBLEM, Problem, is_compatible};
use http_bridge_bindings::exports::cofferdam::code_executor::{
    sandbox::{Capture, Report},
    types::{File, SkippedFile, Status, Timings},
};

/// The media type of the events of a run.
pub(crate) const EVENTS: &str = "text/event-stream";

/// What the answer says.
pub(crate) fn read(answer: &Answer) -> Result<Report, Failure> {
    check_version(&answer.head)?;
    let foreign = Failure::Foreign(answer.head.status);
    if is_success(&answer.head, "application/json") {
        let outcome: Outcome = serde_json::from_slice(&answer.body)
            .map_err(|error| if error.is_eof() { Failure::Lost } else { foreign })?;
        return Ok(report(outcome));
    }
    if media_type(&answer.head).eq_ignore_ascii_case(PROBLEM) {
        let problem: Problem = serde_json::from_slice(&answer.body).map_err(|_| foreign)?;
        return Err(Failure::Problem(problem));
    }
    Err(foreign)
}

/// Whether what follows is of this media type, and no failure.
pub(crate) fn is_success(head: &Head, wanted: &str) -> bool {
    (200..300).contains(&head.status) && media_type(head).eq_ignore_ascii_case(wanted)
}

fn media_type(head: &Head) -> &str {
    head.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

/// Refuses to understand a sidecar of another version.
pub(crate) fn check_version(head: &Head) -> Result<(), Failure> {
    match head.version.as_deref().filter(|theirs| !is_compatible(theirs)) {
        None => Ok(()),
        Some(theirs) => Err(Failure::Version(theirs.chars().filter(|c| !c.is_control()).take(40).collect())),
    }
}

/// An outcome in the words of the contract.
pub(crate) fn report(outcome: Outcome) -> Report {
    let timings = outcome.timings_ms;
    Report {
        id: outcome.id,
        status: status(outcome.status),
        stdout: capture(outcome.stdout),
        stderr: capture(outcome.stderr),
        files: outcome.files.into_iter().map(|file| File { path: file.path, content: file.content.0 }).collect(),
        skipped: outcome.skipped.into_iter().map(|file| SkippedFile { path: file.path, reason: file.reason }).collect(),
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

    fn answer(status: u16, content_type: &str, body: &str) -> Answer {
        let head = Head { status, content_type: Some(content_type.into()), version: Some(VERSION.into()) };
        Answer { head, body: body.into() }
    }

    #[test]
    fn an_outcome_is_a_report_with_every_part() {
        let report = read(&answer(200, "application/json; charset=utf-8", OUTCOME)).expect("a report");
        assert_eq!(report.id, "run-1");
        assert!(matches!(report.status, Status::OutOfDisk(1)));
        assert_eq!((report.stdout.bytes, report.stdout.length, report.stdout.cut), (b"out".to_vec(), 9, Some(2)));
        assert_eq!((report.stderr.bytes, report.stderr.length, report.stderr.cut), (vec![255], 1, None));
        assert_eq!((&*report.files[0].path, &report.files[0].content), ("f", &vec![0]));
        assert_eq!((&*report.skipped[0].path, &*report.skipped[0].reason), ("g", "a link"));
        assert_eq!((report.timings.started, report.timings.pulled, report.timings.answered), (Some(5), None, 7));
        assert!(report.warm);
    }

    #[test]
    fn a_problem_is_one_whatever_its_status() {
        for status in [200, 403, 500] {
            let failure = read(&answer(status, PROBLEM, PROBLEM_BODY)).expect_err("a problem");
            assert!(matches!(failure, Failure::Problem(Problem { detail, .. }) if detail == "no"), "{status}");
        }
    }

    #[test]
    fn what_is_not_a_sidecars_is_told_by_its_status() {
        for (status, content_type, body) in [
            (200, "text/html", "<html>"),
            (200, "application/json", "<html>"),
            (200, "application/json", "{}"),
            (200, "", OUTCOME),
            (404, "text/html", "<html>"),
            (502, PROBLEM, "{}"),
            (500, "application/json", OUTCOME),
        ] {
            let failure = read(&answer(status, content_type, body)).expect_err("a failure");
            assert_eq!(failure, Failure::Foreign(status), "{content_type} {body}");
        }
    }

    #[test]
    fn a_cut_outcome_is_a_lost_answer() {
        for length in [0, 1, 50, OUTCOME.len() - 1] {
            let failure = read(&answer(200, "application/json", &OUTCOME[..length])).expect_err("a failure");
            assert_eq!(failure, Failure::Lost, "{length}");
        }
    }

    #[test]
    fn another_version_is_named_and_a_patch_is_none() {
        let version = |version: Option<&str>| {
            let mut answer = answer(200, "application/json", OUTCOME);
            answer.head.version = version.map(Into::into);
            read(&answer)
        };
        assert!(version(Some("0.1.99")).is_ok());
        for other in ["0.2.0", "1.1.0", "0", "", "0.10.0"] {
            assert_eq!(version(Some(other)).err(), Some(Failure::Version(other.into())));
        }
        assert!(version(None).is_ok());
    }
}
