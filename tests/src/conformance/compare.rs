//! Compares the result of a case with its expectations.

use super::{Case, ContractError, Driver, Failure, Outcome, case::Status, native, outcome::Output};
use std::{collections::BTreeMap, path::Path};

/// Executes a case with a driver.
///
/// # Errors
///
/// The first expectation that is not met.
pub fn run(case: &Case, driver: &dyn Driver) -> Result<(), Failure> {
    result(case, driver).map(drop)
}

/// Executes a case with a driver, and returns the result if it is the expected one.
///
/// # Errors
///
/// The first expectation that is not met.
pub fn result(case: &Case, driver: &dyn Driver) -> Result<Result<Outcome, ContractError>, Failure> {
    let result = driver.execute(case.request()?)?;
    match (&result, &case.spec.expect.error) {
        (Ok(outcome), None) => compare_outcome(case, outcome, driver.root())?,
        (Err(error), Some(expected)) => compare_error(case, error, expected)?,
        (Ok(outcome), Some(expected)) => {
            return Err(
                format!("expected the error {expected}, but the program was executed: {outcome:?}").into()
            );
        }
        (Err(error), None) => return Err(format!("{error:?}").into()),
    }
    Ok(result)
}

/// Executes a case's program without a sandbox, if the case has expectations for that.
///
/// # Errors
///
/// The program does not detect that there is no sandbox, so it proves nothing inside one.
pub fn run_unsandboxed(case: &Case) -> Result<(), Failure> {
    let Some(unsandboxed) = &case.spec.unsandboxed else { return Ok(()) };
    contains("stdout", &native::run(case, None)?.stdout, &unsandboxed.stdout_contains)
}

fn compare_error(case: &Case, error: &ContractError, expected: &str) -> Result<(), Failure> {
    equal("error code", error.code.as_str(), expected)?;
    contains("message", error.message.as_bytes(), &case.spec.expect.message_contains)?;
    let is_printable = !error.message.is_empty() && !error.message.chars().any(char::is_control);
    if is_printable {
        Ok(())
    } else {
        Err(format!("the message is empty or has control characters: {:?}", error.message).into())
    }
}

fn compare_outcome(case: &Case, outcome: &Outcome, root: Option<&Path>) -> Result<(), Failure> {
    let expect = &case.spec.expect;
    let (stdout, stderr) = (exact(&outcome.stdout)?, exact(&outcome.stderr)?);
    let native = if case.spec.native { Some(native::run(case, root)?) } else { None };
    let status = expect.status.or(native.as_ref().map(|native| native.status));
    equal("status", outcome.status, status.unwrap_or(Status::Exited(0)))?;
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
    let files: BTreeMap<_, _> =
        outcome.files.iter().map(|file| (file.path.clone(), &file.content.0)).collect();
    let expected = case.tree("expected/files")?;
    equal("files", files.keys().collect::<Vec<_>>(), expected.keys().collect())?;
    for (path, content) in &expected {
        same_bytes(path, files[path], content)?;
    }
    if let Some(number) = expect.skipped_number {
        return equal("number of skipped files", outcome.skipped.len(), number);
    }
    let mut skipped: Vec<_> = outcome.skipped.iter().map(|file| file.path.clone()).collect();
    let mut expected = expect.skipped.clone();
    skipped.sort();
    expected.sort();
    equal("skipped files", skipped, expected)
}

/// The kept bytes, whose number must be the stream's length if it is not truncated.
fn exact(output: &Output) -> Result<&[u8], Failure> {
    let bytes = output.kept();
    if output.cut.is_none() {
        equal("the length of a whole stream", output.length, bytes.len() as u64)?;
    }
    Ok(bytes)
}

pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), Failure> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, expected {expected:?}").into())
    }
}

pub(crate) fn same_bytes(what: &str, found: &[u8], expected: &[u8]) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let near = |bytes: &[u8]| {
        String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 400)]).into_owned()
    };
    let text = format!(
        "{what}: {} bytes, expected {}; the first difference is at byte {at}\n--- found\n{}\n--- expected\n{}",
        found.len(),
        expected.len(),
        near(found),
        near(expected)
    );
    Err(text.into())
}

pub(crate) fn contains(what: &str, bytes: &[u8], parts: &[String]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(bytes);
    match parts.iter().find(|part| !text.contains(part.as_str())) {
        None => Ok(()),
        Some(part) => {
            let end: String = text.chars().rev().take(1000).collect::<Vec<_>>().into_iter().rev().collect();
            Err(format!("{what} does not contain {part:?}; it ends with\n{end}").into())
        }
    }
}
