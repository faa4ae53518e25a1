//! Shows the outcome of an execution: on our own streams, in the output folder, and as the exit code.

use super::RunArgs;
use crate::cli::{
    Failure, exit, json,
    options::describe_exceeded,
    output_folder::OutputFolder,
    output_printer::{Printed, PrintedStream},
    print_error, standard_output,
    uncollected::{self, Files},
};
use cofferdam_types::{Capture, Error, Report, Status};
use std::{io, process::ExitCode};

/// Shows the outcome. If it could not be shown completely, the exit code is not that of a success.
pub(super) fn show(
    args: &RunArgs,
    folder: Option<&OutputFolder>,
    report: &Report,
    signal: Option<i32>,
    mut printed: Printed,
) -> ExitCode {
    let mut is_incomplete = false;
    if args.json {
        let line = json::outcome(report, signal, folder.is_none()).to_string() + "\n";
        printed.stdout.write(io::stdout().lock(), line.as_bytes());
    } else {
        printed.stdout.finish(io::stdout().lock(), &report.stdout);
        printed.stderr.finish(io::stderr().lock(), &report.stderr);
        is_incomplete = print_messages(args, report, &printed);
    }
    let is_stdout_closed = printed.stdout.is_closed();
    let mut failed = Vec::new();
    failed.extend(write_failure("standard output", printed.stdout));
    failed.extend(write_failure("standard error", printed.stderr));
    if let Some(folder) = folder {
        let unwritten = folder.write(&report.files, &args.collect);
        let unwritten = Files::new(unwritten.iter().map(|file| (&*file.path, &*file.reason)));
        failed.extend(unwritten.lines("cannot be written", "cannot be written"));
    }
    failed.extend(uncollected::lost(report));
    failed.iter().for_each(print_error);
    let is_complete = failed.is_empty() && !is_incomplete;
    match exit::code(report.status, signal) {
        // The reader did not get the outcome.
        _ if args.json && is_stdout_closed => exit::READER_LEFT.into(),
        0 if !is_complete => exit::INCOMPLETE.into(),
        code => code.into(),
    }
}

/// Prints how the program ended, and which output and files are missing. Returns whether a file is missing
/// that a pattern names without wildcards.
fn print_messages(args: &RunArgs, report: &Report, printed: &Printed) -> bool {
    for (name, output, stream) in
        [("stdout", &report.stdout, &printed.stdout), ("stderr", &report.stderr, &printed.stderr)]
    {
        if let Some(length) = truncated_length(output, stream) {
            let shown = stream.bytes;
            print_error(format_args!("{name} was cut: {shown} of {length} bytes are shown (--output-limit)"));
        }
    }
    let is_obvious = printed.stdout.is_closed() && matches!(report.status, Status::Cancelled);
    if let Some(message) = exit::remark(report.status).filter(|_| !is_obvious) {
        print_error(message);
    }
    Files::skipped(report).lines("was not returned", "were not returned").iter().for_each(print_error);
    let unmatched = uncollected::unmatched(&args.collect, report);
    unmatched.lines.iter().for_each(print_error);
    unmatched.is_incomplete
}

/// Shows the error of an execution without an outcome.
pub(super) fn show_error(args: &RunArgs, error: Error) -> Result<ExitCode, Failure> {
    // In the words of the command line, also in JSON.
    let described = error.exceeded.as_ref().and_then(describe_exceeded);
    if !args.json {
        return Err(described.unwrap_or(error.message).as_str().into());
    }
    standard_output::print_line(&json::error(error, described).to_string())?;
    Ok(exit::NOT_RUN.into())
}

/// The length of a stream that was not shown completely.
fn truncated_length(output: &Capture, printed: &PrintedStream) -> Option<String> {
    let kept = output.bytes.len() as u64;
    output.cut.filter(|_| printed.error.is_none())?;
    if output.length > printed.bytes {
        return Some(output.length.to_string());
    }
    // A sandbox that died did not report the length.
    (output.length == kept).then(|| "an unknown number of".into())
}

/// Why a stream could not be written, unless its reader has closed it.
fn write_failure(name: &str, printed: PrintedStream) -> Option<String> {
    let is_closed = printed.is_closed();
    printed.error.filter(|_| !is_closed).map(|error| format!("{name} cannot be written: {error}"))
}
