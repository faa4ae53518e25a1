//! What came of a case against what it promises.

use super::{Case, Failure, case::ExpectedStatus, native};
use cofferdam::{
    Sidecar,
    component::{
        ExecuteError, Executor, SandboxImport,
        code_executor::{Outcome, Output},
        types::{Error, Status},
    },
};
use std::collections::BTreeMap;

/// Runs a case through the component.
///
/// # Errors
///
/// The first promise that does not hold.
pub async fn run(case: &Case, executor: &Executor, sidecar: &Sidecar) -> Result<(), Failure> {
    let result = executor.execute(SandboxImport::new(sidecar.clone()), case.request()?).await;
    match (result, &case.stated.expect.error) {
        (Ok(outcome), None) => compare_outcome(case, &outcome),
        (Err(ExecuteError::Refused(error)), Some(expected)) => compare_error(case, &error, expected),
        (Ok(outcome), Some(expected)) => Err(format!("expected the error {expected}, but it ran: {outcome:?}").into()),
        (Err(error), _) => Err(format!("{error:?}").into()),
    }
}

fn compare_error(case: &Case, error: &Error, expected: &str) -> Result<(), Failure> {
    equal("error code", format!("{:?}", error.code), format!("ErrorCode::{}", camel(expected)))?;
    contains("message", error.message.as_bytes(), &case.stated.expect.message_contains)?;
    let readable = !error.message.is_empty() && !error.message.chars().any(char::is_control);
    if readable { Ok(()) } else { Err(format!("a message that cannot be shown: {:?}", error.message).into()) }
}

/// `invalid-request` as Rust writes it.
fn camel(kebab: &str) -> String {
    let parts = kebab.split('-').filter_map(|part| part.split_at_checked(1));
    parts.map(|(first, rest)| first.to_uppercase() + rest).collect()
}

fn compare_outcome(case: &Case, outcome: &Outcome) -> Result<(), Failure> {
    let expect = &case.stated.expect;
    let (stdout, stderr) = (exact(&outcome.stdout)?, exact(&outcome.stderr)?);
    let native = if case.stated.native { Some(native::run(case)?) } else { None };
    let status = expect.status.or(native.as_ref().map(|native| native.status));
    equal("status", status_of(&outcome.status), Some(status.unwrap_or(ExpectedStatus::Exited(0))))?;
    if let Some(native) = native {
        same_bytes("stdout", stdout, &native.stdout)?;
        same_bytes("stderr", stderr, &native.stderr)?;
    }
    for (name, bytes, text) in [("stdout", stdout, &expect.stdout), ("stderr", stderr, &expect.stderr)] {
        if let Some(text) = text {
            same_bytes(name, bytes, text.as_bytes())?;
        }
        if let Some(expected) = case.file(&format!("expected/{name}"))? {
            same_bytes(name, bytes, &expected)?;
        }
    }
    contains("stdout", stdout, &expect.stdout_contains)?;
    contains("stderr", stderr, &expect.stderr_contains)?;
    equal("stdout's length", outcome.stdout.length, expect.stdout_length.unwrap_or(outcome.stdout.length))?;
    equal("whether stdout is cut", outcome.stdout.cut.is_some(), expect.stdout_cut)?;
    let utf8 = expect.stdout_is_utf8.unwrap_or_else(|| str::from_utf8(stdout).is_ok());
    equal("whether stdout is text alone", outcome.stdout.bytes.is_none(), utf8 && !expect.stdout_cut)?;
    let files: BTreeMap<_, _> = outcome.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect();
    let expected = case.tree("expected/files")?;
    equal("files", files.keys().collect::<Vec<_>>(), expected.keys().collect())?;
    for (path, content) in &expected {
        same_bytes(path, &files[path], content)?;
    }
    let mut skipped: Vec<_> = outcome.skipped.iter().map(|file| file.path.clone()).collect();
    let mut expected = expect.skipped.clone();
    skipped.sort();
    expected.sort();
    equal("skipped files", skipped, expected)
}

/// The kept bytes; where they come as text alone, the text is all of them.
fn exact(output: &Output) -> Result<&[u8], Failure> {
    let bytes = output.bytes.as_deref().unwrap_or(output.text.as_bytes());
    if output.cut.is_none() {
        equal("the length of a whole stream", output.length, bytes.len() as u64)?;
    }
    Ok(bytes)
}

fn status_of(status: &Status) -> Option<ExpectedStatus> {
    Some(match *status {
        Status::Exited(code) => ExpectedStatus::Exited(code),
        Status::Killed(signal) => ExpectedStatus::Killed(signal),
        Status::TimedOut => ExpectedStatus::TimedOut,
        Status::OutOfMemory => ExpectedStatus::OutOfMemory,
        Status::OutOfDisk(code) => ExpectedStatus::OutOfDisk(code),
        Status::OutOfProcesses => ExpectedStatus::OutOfProcesses,
        Status::Cancelled => return None,
    })
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Failure> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}").into()) }
}

fn same_bytes(what: &str, found: &[u8], expected: &[u8]) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let near =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 400)]).into_owned();
    let text = format!(
        "{what}: {} bytes, expected {}; the first difference is at byte {at}\n--- found\n{}\n--- expected\n{}",
        found.len(),
        expected.len(),
        near(found),
        near(expected)
    );
    Err(text.into())
}

fn contains(what: &str, bytes: &[u8], parts: &[String]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(bytes);
    match parts.iter().find(|part| !text.contains(part.as_str())) {
        None => Ok(()),
        Some(part) => {
            let end: String = text.chars().rev().take(1000).collect::<Vec<_>>().into_iter().rev().collect();
            Err(format!("{what} does not contain {part:?}; it ends with\n{end}").into())
        }
    }
}
