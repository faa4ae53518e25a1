//! An outcome as a short text for a model.

use alloc::{format, string::String};
use code_executor_bindings::{
    cofferdam::code_executor::types::Status,
    exports::cofferdam::code_executor::code_executor::{Outcome, Output},
};
use core::fmt::Write;

/// Characters of each stream that are shown; what is over it is cut from the middle.
const STREAM: usize = 4 * 1024;
/// Files, and skipped files, that are listed by name.
const NAMES: usize = 10;
/// Characters of a file's name, or of the reason why it was skipped.
const NAME: usize = 100;

/// At most 16 KiB: each part is bounded in characters, and mostly those are single bytes; a stream of others is cut
/// shorter.
pub(crate) fn render(outcome: &Outcome) -> String {
    let mut text = status(&outcome.status);
    text.push('\n');
    for (name, output) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        stream(&mut text, name, output);
    }
    let files = outcome.files.iter().map(|file| format!("{} ({} bytes)", short(&file.path), file.content.len()));
    let skipped = outcome.skipped.iter().map(|file| format!("{} ({})", short(&file.path), short(&file.reason)));
    list(&mut text, "files", outcome.files.len(), files);
    list(&mut text, "files not brought back", outcome.skipped.len(), skipped);
    text
}

fn status(status: &Status) -> String {
    match status {
        Status::Exited(code) => format!("exit code: {code}"),
        Status::Killed(signal) => format!("killed by signal {signal}"),
        Status::TimedOut => "killed: it ran longer than it may".into(),
        Status::OutOfMemory => "killed: it needed more memory than it may use".into(),
        Status::OutOfDisk(code) => format!("exit code: {code}, after it had filled its disk"),
        Status::OutOfProcesses => "killed: it had more processes and threads than it may".into(),
        Status::Cancelled => "killed: the caller gave up".into(),
    }
}

fn stream(text: &mut String, name: &str, output: &Output) {
    if output.length == 0 {
        return;
    }
    let shown = shorten(&output.text);
    let _ = write!(text, "{name} ({} bytes):\n{shown}", output.length);
    if !shown.ends_with('\n') {
        text.push('\n');
    }
}

/// Head and tail of a text that is too long.
fn shorten(text: &str) -> String {
    if text.len() <= STREAM {
        return text.into();
    }
    // Indexing would bring the code along that formats its panic, a tenth of the component.
    let head = text.get(..text.floor_char_boundary(STREAM / 2)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - STREAM / 2)..).unwrap_or_default();
    format!("{head}\n[... {} bytes not shown ...]\n{tail}", text.len() - head.len() - tail.len())
}

fn short(name: &str) -> String {
    cofferdam_contract::quoted(name.get(..name.floor_char_boundary(NAME)).unwrap_or_default())
}

fn list(text: &mut String, title: &str, count: usize, items: impl Iterator<Item = String>) {
    if count == 0 {
        return;
    }
    let _ = write!(text, "{title}: ");
    for (index, item) in items.take(NAMES).enumerate() {
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(&item);
    }
    if count > NAMES {
        let _ = write!(text, " and {} more", count - NAMES);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use code_executor_bindings::cofferdam::code_executor::types::{File, SkippedFile, Timings};

    fn outcome(stdout: &str, stderr: &str) -> Outcome {
        let output = |text: &str| Output { text: text.into(), bytes: None, length: text.len() as u64, cut: None };
        let timings =
            Timings { queued: None, scheduled: None, pulled: None, started: None, finished: None, answered: 1 };
        Outcome {
            id: "x".into(),
            status: Status::Exited(1),
            stdout: output(stdout),
            stderr: output(stderr),
            files: vec![],
            skipped: vec![],
            timings,
            warm: false,
        }
    }

    #[test]
    fn a_failure_keeps_both_streams() {
        let text = render(&outcome("42\n", "Traceback"));
        assert_eq!(text, "exit code: 1\nstdout (3 bytes):\n42\nstderr (9 bytes):\nTraceback\n");
    }

    #[test]
    fn files_are_named_with_their_sizes() {
        let mut outcome = outcome("", "");
        outcome.files = vec![File { path: "out.csv".into(), content: vec![1, 2] }];
        outcome.skipped = vec![SkippedFile { path: "l\n".into(), reason: "is a symbolic link".into() }];
        let text = render(&outcome);
        assert_eq!(
            text,
            "exit code: 1\nfiles: `out.csv` (2 bytes)\nfiles not brought back: `l\u{fffd}` (`is a symbolic link`)\n"
        );
    }

    #[test]
    fn the_whole_is_bounded() {
        let mut outcome = outcome(&"€".repeat(100_000), &"x".repeat(100_000));
        let file = SkippedFile { path: "€".repeat(200), reason: "x".repeat(500) };
        outcome.skipped = vec![file; 2000];
        outcome.files = vec![File { path: "€".repeat(85), content: vec![] }; 100];
        let text = render(&outcome);
        assert!(text.len() <= 16 << 10, "{}", text.len());
        assert!(text.contains("bytes not shown"));
    }
}
