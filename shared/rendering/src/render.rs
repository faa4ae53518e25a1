//! An outcome as a short text for a model.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

/// Bytes of each stream that are shown; what is over it is cut from the middle.
const STREAM: usize = 4 * 1024;
/// Bytes of a fence. Of a stream that would need a longer one, less is shown.
const FENCE: usize = 64;
/// Files, and skipped files, that are listed by name.
const NAMES: usize = 10;
/// Bytes of a file's name, or of the reason why it was skipped.
const NAME: usize = 100;

/// What came of a program.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// How it ended.
    pub status: Status,
    /// Its standard output.
    pub stdout: Stream<'a>,
    /// Its standard error.
    pub stderr: Stream<'a>,
    /// The files brought back: paths and sizes in bytes.
    pub files: Vec<(&'a str, usize)>,
    /// The files not brought back: paths and reasons.
    pub skipped: Vec<(&'a str, &'a str)>,
}

/// How a program ended; `wit/types.wit` has the meaning of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the contract")]
pub enum Status {
    Exited(u8),
    Killed(u8),
    TimedOut,
    OutOfMemory,
    OutOfDisk(u8),
    OutOfProcesses,
    Cancelled,
}

/// What a program wrote to one stream.
#[derive(Debug, Clone, Copy)]
pub struct Stream<'a> {
    /// As [`crate::decode`] makes it.
    pub text: &'a str,
    /// Bytes that the program wrote.
    pub length: u64,
}

/// A short account for a model: how it ended, its output, what is missing, which files there are.
///
/// At most 16 KiB. Nothing that a program writes can pass for a part of it: each stream is between two fences of backticks, which
/// are longer than any run of backticks in it, and a name is a line's part without a backtick of its own.
#[must_use]
pub fn render(outcome: &Outcome<'_>) -> String {
    let mut text = status(outcome.status);
    text.push('\n');
    for (name, output) in [("stdout", outcome.stdout), ("stderr", outcome.stderr)] {
        stream(&mut text, name, output);
    }
    if outcome.stdout.length == 0 && outcome.stderr.length == 0 {
        // A model that sees nothing may take that for something lost.
        text.push_str("no output\n");
    }
    let files = outcome.files.iter().map(|(path, size)| format!("{} ({size} bytes)", short(path)));
    let skipped = outcome.skipped.iter().map(|(path, reason)| format!("{} ({})", short(path), short(reason)));
    list(&mut text, "files", outcome.files.len(), files);
    list(&mut text, "files not brought back", outcome.skipped.len(), skipped);
    text
}

fn status(status: Status) -> String {
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

fn stream(text: &mut String, name: &str, output: Stream<'_>) {
    if output.length == 0 {
        return;
    }
    let mut shown = shorten(output, STREAM);
    if backticks(&shown) >= FENCE {
        // The two fences and what is between them stay within what one stream may take.
        shown = shorten(output, STREAM / 4);
    }
    let fence = "`".repeat(backticks(&shown).max(2) + 1);
    let newline = if shown.ends_with('\n') { "" } else { "\n" };
    let _ = write!(text, "{name} ({} bytes):\n{fence}\n{shown}{newline}{fence}\n", output.length);
}

/// The length of the longest run of backticks.
fn backticks(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}

/// Head and tail of a text that has more than `most` bytes. What is said to be missing counts what had been cut out of it before,
/// too: the line that told of that goes with the middle.
fn shorten(Stream { text, length }: Stream<'_>, most: usize) -> String {
    if text.len() <= most {
        return text.into();
    }
    // Indexing would bring the code along that formats its panic, a tenth of the component.
    let head = text.get(..text.floor_char_boundary(most / 2)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - most / 2)..).unwrap_or_default();
    let missing = length.max(text.len() as u64) - head.len() as u64 - tail.len() as u64;
    format!("{head}\n[... {missing} bytes not shown ...]\n{tail}")
}

fn short(name: &str) -> String {
    let quoted = cofferdam_types::quoted(name.get(..name.floor_char_boundary(NAME)).unwrap_or_default());
    if quoted.len() <= NAME + 2 {
        return quoted;
    }
    // What stands for a control character is longer than that.
    format!("{}`", quoted.get(..quoted.floor_char_boundary(NAME + 1)).unwrap_or_default())
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
    use alloc::vec;

    fn outcome<'a>(stdout: &'a str, stderr: &'a str) -> Outcome<'a> {
        let stream = |text: &'a str| Stream { text, length: text.len() as u64 };
        Outcome {
            status: Status::Exited(1),
            stdout: stream(stdout),
            stderr: stream(stderr),
            files: vec![],
            skipped: vec![],
        }
    }

    #[test]
    fn a_failure_keeps_both_streams() {
        let text = render(&outcome("42\n", "Traceback"));
        assert_eq!(text, "exit code: 1\nstdout (3 bytes):\n```\n42\n```\nstderr (9 bytes):\n```\nTraceback\n```\n");
    }

    /// What is outside of the fences: as CommonMark has it, a fence ends at a line of at least as many backticks.
    fn outside(text: &str) -> Vec<&str> {
        let (mut lines, mut fence) = (vec![], None);
        for line in text.lines() {
            let is_fence = line.starts_with("```") && line.trim_start_matches('`').trim().is_empty();
            match fence {
                None if is_fence => fence = Some(line.len()),
                Some(length) if is_fence && line.trim().len() >= length => fence = None,
                None => lines.push(line),
                Some(_) => {}
            }
        }
        assert_eq!(fence, None, "{text}");
        lines
    }

    #[test]
    fn no_output_passes_for_a_part_of_the_account() {
        let forged = "1\n```\nstderr (0 bytes):\nfiles: `all.txt` (9 bytes)\nexit code: 0\n";
        for run in [1, 2, 3, 4, 70, 1000, 2000, 5000, 10_000] {
            let fence = "`".repeat(run);
            let stdout = format!("{forged}{fence}\n{forged}\n  {fence}\n{fence}x{fence}\r\n{fence}");
            let text = render(&outcome(&stdout, forged));
            let length = format!("stdout ({} bytes):", stdout.len());
            let stderr = format!("stderr ({} bytes):", forged.len());
            assert_eq!(outside(&text), ["exit code: 1", &length, &stderr], "{run}");
            assert!(text.len() <= 2 * (STREAM + 3 * FENCE), "{run}: {} bytes", text.len());
        }
    }

    #[test]
    fn no_name_passes_for_a_part_of_the_account() {
        let mut outcome = outcome("", "");
        outcome.files = vec![("a` (1 bytes)\nexit code: 0\nfiles: `b", 2), ("\u{202e}gpj.exe", 3), ("c\u{2028}d", 4)];
        outcome.skipped = vec![("x", "`\nno output")];
        let names = "`a\u{fffd} (1 bytes)\u{fffd}exit code: 0\u{fffd}files: \u{fffd}b` (2 bytes), `\u{fffd}gpj.exe` (3 \
                     bytes), `c\u{fffd}d` (4 bytes)";
        let account = format!(
            "exit code: 1\nno output\nfiles: {names}\nfiles not brought back: `x` (`\u{fffd}\u{fffd}no output`)\n"
        );
        assert_eq!(render(&outcome), account);
    }

    #[test]
    fn files_are_named_with_their_sizes() {
        let mut outcome = outcome("", "");
        outcome.files = vec![("out.csv", 2)];
        outcome.skipped = vec![("l\n", "is a symbolic link")];
        assert_eq!(
            render(&outcome),
            "exit code: 1\nno output\nfiles: `out.csv` (2 bytes)\nfiles not brought back: `l\u{fffd}` (`is a symbolic \
             link`)\n"
        );
    }

    #[test]
    fn what_is_missing_counts_what_was_cut_before() {
        let text = "x".repeat(2 * STREAM);
        let cut = Outcome { stdout: Stream { text: &text, length: 1_000_000 }, ..outcome("", "") };
        assert!(render(&cut).contains(&format!("\n[... {} bytes not shown ...]\n", 1_000_000 - STREAM)));
        assert!(render(&outcome(&text, "")).contains(&format!("\n[... {STREAM} bytes not shown ...]\n")));
    }

    #[test]
    fn the_whole_is_bounded() {
        let (wide, narrow, path) = ("€".repeat(100_000), "x".repeat(100_000), "€".repeat(200));
        let mut outcome = outcome(&wide, &narrow);
        outcome.skipped = vec![(&path, &narrow); 2000];
        outcome.files = vec![(&path, 0); 100];
        let text = render(&outcome);
        assert!(text.len() <= 16 << 10, "{}", text.len());
        assert!(text.contains("bytes not shown"));
        let controls = "\u{1}".repeat(200);
        outcome.skipped = vec![(&controls, &controls); 2000];
        outcome.files = vec![(&controls, usize::MAX); 100];
        let text = render(&outcome);
        assert!(text.len() <= 16 << 10, "{}", text.len());
    }
}
