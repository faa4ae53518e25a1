//! Compares what happened with what a case expects. Pure.

use super::{
    content::numbered,
    expected::{ExpectedEnd, ExpectedError},
};
use crate::conformance::{Failure, contains, equal, same_bytes};
use cofferdam::{
    core::session::ExecutionEnd,
    types::{Capture, Error, Report, Status},
};

/// The result of a step, if no error is expected. An unexpected error is the failure itself.
pub(super) fn success<T>(
    result: Result<T, Error>,
    expected: Option<&ExpectedError>,
) -> Result<Option<T>, Failure> {
    match (result, expected) {
        (Ok(value), None) => Ok(Some(value)),
        (Err(error), Some(expected)) => compare_error(&error, expected).map(|()| None),
        (Ok(_), Some(expected)) => Err(format!("it succeeded, expected the error {expected:?}").into()),
        (Err(error), None) => Err(error.into()),
    }
}

/// Compares an error.
pub(super) fn compare_error(error: &Error, expected: &ExpectedError) -> Result<(), Failure> {
    equal("error code", error.code, expected.code)
        .map_err(|failure| format!("{failure}: {}", error.message))?;
    contains("message", error.message.as_bytes(), &expected.contains)?;
    check_message(error)
}

/// Checks what holds for the message of every error.
pub(super) fn check_message(error: &Error) -> Result<(), Failure> {
    if error.message.is_empty() || error.message.chars().any(char::is_control) {
        return Err(format!("the message is empty or has control characters: {:?}", error.message).into());
    }
    Ok(())
}

/// Compares how an execution ended, and its report.
pub(super) fn compare_end(
    end: Result<ExecutionEnd, Error>,
    report: Result<Report, Error>,
    expected: &ExpectedEnd,
) -> Result<(), Failure> {
    if expected.any_end {
        end.as_ref().err().map_or(Ok(()), check_message)?;
        return report.map_or(Ok(()), |report| lacks(&report.stdout.bytes, &expected.stdout_lacks));
    }
    let end = end?;
    let report = report.map_err(|error| format!("it has ended, but has no report: {error:?}"))?;
    let (stdout, stderr) = (whole(&report.stdout)?, whole(&report.stderr)?);
    equal("status", end.status, expected.status.unwrap_or(Status::Exited(0)))
        .map_err(|failure| format!("{failure}; its stderr is {:?}", String::from_utf8_lossy(stderr)))?;
    equal("status of the report", report.status, end.status)?;
    equal("processes left running", end.left_running, expected.left_running)?;
    for (name, bytes, text) in [("stdout", stdout, &expected.stdout), ("stderr", stderr, &expected.stderr)] {
        text.as_ref().map_or(Ok(()), |text| same_bytes(name, bytes, text.as_bytes()))?;
    }
    contains("stdout", stdout, &expected.stdout_contains)?;
    contains("stderr", stderr, &expected.stderr_contains)?;
    lacks(stdout, &expected.stdout_lacks)?;
    if let Some(text) = &expected.stdout_ends_with
        && !stdout.ends_with(text.as_bytes())
    {
        let rest = &stdout[stdout.len().saturating_sub(200)..];
        return Err(format!("stdout ends with {:?}", String::from_utf8_lossy(rest)).into());
    }
    if let Some(length) = expected.stdout_numbered {
        same_bytes("stdout", stdout, &numbered(length))?;
    }
    equal("stdout's length", report.stdout.length, expected.stdout_length.unwrap_or(report.stdout.length))?;
    equal("whether stdout is cut", report.stdout.cut.is_some(), expected.stdout_cut)
}

/// The kept bytes, which are the whole stream if nothing was cut.
fn whole(capture: &Capture) -> Result<&[u8], Failure> {
    if capture.cut.is_none() {
        equal("the length of a whole stream", capture.length, capture.bytes.len() as u64)?;
    }
    Ok(&capture.bytes)
}

fn lacks(bytes: &[u8], parts: &[String]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(bytes);
    match parts.iter().find(|part| text.contains(part.as_str())) {
        Some(part) => Err(format!("stdout contains {part:?}: {text}").into()),
        None => Ok(()),
    }
}

/// Whether the expected items are among the found ones, in their order.
pub(super) fn has_in_order(found: &[String], expected: &[String]) -> bool {
    let mut found = found.iter();
    expected.iter().all(|item| found.any(|other| other == item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_items_may_have_others_between_them() {
        let items = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(has_in_order(&items("a x b"), &items("a b")));
        assert!(!has_in_order(&items("b a"), &items("a b")));
        assert!(!has_in_order(&items("a"), &items("a a")));
    }
}
