//! What came of a run, on our own streams, in the folder for files, and as the exit code.

use super::RunArgs;
use crate::cli::{
    Failure, exit, json,
    left_behind::{self, Files},
    live::{Shown, Written},
    output_folder::OutputFolder,
    say, sidecar, standard_output,
};
use cofferdam_types::{Capture, Error, ErrorCode, Report, Status};
use std::{io, process::ExitCode};

/// Hands the outcome on. Where not all of it could be, the program's success is not ours.
pub(super) fn show(
    args: &RunArgs,
    folder: Option<&OutputFolder>,
    outcome: &Report,
    signal: Option<i32>,
    mut shown: Shown,
) -> ExitCode {
    let mut is_incomplete = false;
    if args.json {
        let line = json::outcome(outcome, signal, folder.is_none()).to_string() + "\n";
        shown.stdout.write(io::stdout().lock(), line.as_bytes());
    } else {
        shown.stdout.finish(io::stdout().lock(), &outcome.stdout);
        shown.stderr.finish(io::stderr().lock(), &outcome.stderr);
        is_incomplete = say_what_is_missing(args, outcome, &shown);
    }
    let has_reader_left = shown.stdout.reader_left();
    let streams = [("standard output", shown.stdout), ("standard error", shown.stderr)];
    let mut failed: Vec<String> = streams.into_iter().filter_map(unwritten).collect();
    let files = folder.map(|folder| folder.write(&outcome.files, &args.collect)).unwrap_or_default();
    let files = Files::new(files.iter().map(|file| (&*file.path, &*file.reason)));
    failed.extend(files.lines("cannot be written", "cannot be written"));
    failed.extend(left_behind::lost(outcome));
    failed.iter().for_each(say);
    let is_complete = failed.is_empty() && !is_incomplete;
    match exit::code(outcome.status, signal) {
        // The outcome itself was not read.
        _ if args.json && has_reader_left => exit::READER_LEFT.into(),
        0 if !is_complete => exit::INCOMPLETE.into(),
        code => code.into(),
    }
}

/// Says how the program ended, and what of its output and files is not there; gives whether a file is missing that was asked
/// for by its name.
fn say_what_is_missing(args: &RunArgs, outcome: &Report, shown: &Shown) -> bool {
    for (name, output, written) in
        [("stdout", &outcome.stdout, &shown.stdout), ("stderr", &outcome.stderr, &shown.stderr)]
    {
        if let Some(of) = cut(output, written) {
            let shown = written.bytes;
            say(format_args!("{name} was cut: {shown} of {of} bytes are shown (--output-limit)"));
        }
    }
    let reader_left = shown.stdout.reader_left() && matches!(outcome.status, Status::Cancelled);
    if let Some(remark) = exit::remark(outcome.status).filter(|_| !reader_left) {
        say(remark);
    }
    Files::skipped(outcome).lines("was not brought back", "were not brought back").iter().for_each(say);
    let missed = left_behind::missed(&args.collect, outcome);
    missed.lines.iter().for_each(say);
    missed.is_incomplete
}

/// Says why there is no outcome.
pub(super) fn refuse(args: &RunArgs, error: Error, asked_with_token: Option<bool>) -> Result<ExitCode, Failure> {
    let error = match asked_with_token {
        Some(has_token) if error.code == ErrorCode::Unauthorised => without_token(error, has_token),
        _ => error,
    };
    if !args.json {
        return Err(error.message.into());
    }
    standard_output::print_line(&json::error(&error).to_string())?;
    Ok(exit::NOT_RUN.into())
}

/// A sidecar's refusal is in the words of HTTP; here a token is a variable.
fn without_token(error: Error, has_token: bool) -> Error {
    if error.message.contains(sidecar::TOKEN) {
        return error;
    }
    let message = if has_token {
        format!("the sidecar does not know the token in {}", sidecar::TOKEN)
    } else {
        format!("the sidecar wants a token: set {} to one that it knows", sidecar::TOKEN)
    };
    Error { message, ..error }
}

/// How many bytes a stream had of which not all were shown.
fn cut(output: &Capture, written: &Written) -> Option<String> {
    let kept = output.bytes.len() as u64;
    output.cut.filter(|_| written.failed.is_none())?;
    if output.length > written.bytes {
        return Some(output.length.to_string());
    }
    // A sandbox that died could not say how much there was.
    (output.length == kept).then(|| "an unknown number of".into())
}

/// Why a stream could not be written, if so. A reader that has gone away misses nothing.
fn unwritten((name, written): (&str, Written)) -> Option<String> {
    let reader_left = written.reader_left();
    written.failed.filter(|_| !reader_left).map(|error| format!("{name} cannot be written: {error}"))
}
