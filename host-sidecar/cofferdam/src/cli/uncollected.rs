//! Messages about files of --collect that were not returned. Pure.

use cofferdam_core::execution_state::LOST_FILES;
use cofferdam_types::{Report, quoted};

/// Up to this number of files each has a line; more have one line together.
const MAX_LINES: usize = 3;
/// The path and reason that stand for the files that the runner does not list.
const UNLISTED: (&str, &str) = ("…", " more files were not brought back");

/// Files with the same problem, each with its reason.
pub(super) struct Files<'a> {
    listed: Vec<(&'a str, &'a str)>,
    unlisted: usize,
}

impl<'a> Files<'a> {
    pub(super) fn new(listed: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { listed: listed.collect(), unlisted: 0 }
    }

    /// The files that the runner skipped.
    pub(super) fn skipped(outcome: &'a Report) -> Self {
        let files = outcome.skipped.iter().filter(|file| file.reason != LOST_FILES);
        let mut files = Self::new(files.map(|file| (&*file.path, &*file.reason)));
        let unlisted = files.listed.last().filter(|(path, _)| *path == UNLISTED.0);
        if let Some(count) = unlisted.and_then(|(_, reason)| reason.strip_suffix(UNLISTED.1)?.parse().ok()) {
            files.unlisted = count;
            files.listed.pop();
        }
        files
    }

    /// The lines about them, with the problem as the predicate of one file and of several.
    pub(super) fn lines(&self, problem: &str, problem_of_many: &str) -> Vec<String> {
        let count = self.listed.len() + self.unlisted;
        if self.unlisted == 0 && count <= MAX_LINES {
            let line = |(path, reason): &(&str, &str)| {
                format!("{} {problem}: {reason}{}", quoted(path), limit_option(reason))
            };
            return self.listed.iter().map(line).collect();
        }
        let names =
            self.listed.iter().take(MAX_LINES).map(|(path, _)| quoted(path)).collect::<Vec<_>>().join(", ");
        let (reason, more) =
            (self.listed.first().map_or("", |(_, reason)| reason), count.saturating_sub(MAX_LINES));
        vec![format!(
            "{count} files {problem_of_many}: {names} and {more} more; the first: {reason}{}",
            limit_option(reason)
        )]
    }

    fn has(&self, pattern: &str) -> bool {
        self.listed.iter().any(|(path, _)| fast_glob::glob_match(pattern, path))
    }
}

/// The option that raises the limit, if the reason is a limit.
fn limit_option(reason: &str) -> &'static str {
    match reason {
        _ if reason.starts_with("as many files as allowed") => " (--collected-files)",
        _ if reason.ends_with("more are allowed") => " (--collected-limit)",
        _ => "",
    }
}

/// The message about files that were lost with their sandbox. Their names are unknown.
pub(super) fn lost(report: &Report) -> Option<String> {
    let lost = report.skipped.iter().filter(|file| file.reason == LOST_FILES);
    let patterns: Vec<String> = lost.map(|file| quoted(&file.path)).collect();
    if patterns.is_empty() {
        return None;
    }
    let first = patterns[..patterns.len().min(MAX_LINES)].join(", ");
    let more = match patterns.len().saturating_sub(MAX_LINES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "files of --collect {first}{more} are lost: the sandbox ended before all of them were returned"
    ))
}

/// The messages about patterns without a file.
#[derive(Debug, Default)]
pub(super) struct Unmatched {
    pub(super) lines: Vec<String>,
    /// Whether a file is missing that a pattern names without wildcards.
    pub(super) is_incomplete: bool,
}

/// Finds the patterns that match no returned file.
pub(super) fn unmatched(patterns: &[String], report: &Report) -> Unmatched {
    let (skipped, is_lost) = (Files::skipped(report), lost(report).is_some());
    let mut unmatched = Unmatched::default();
    for pattern in patterns {
        if report.files.iter().any(|file| fast_glob::glob_match(pattern, &file.path)) {
            continue;
        }
        unmatched.is_incomplete |= is_literal(pattern);
        if skipped.unlisted == 0 && !is_lost && !skipped.has(pattern) {
            unmatched.lines.push(format!(
                "no file matches --collect {}: the program made or changed no such file{}",
                quoted(pattern),
                hint(pattern)
            ));
        }
    }
    unmatched
}

fn is_literal(pattern: &str) -> bool {
    !pattern.starts_with('!') && !pattern.contains(['*', '?', '[', '{', '\\'])
}

fn hint(pattern: &str) -> String {
    match pattern {
        _ if is_literal(pattern) => {
            format!("; {} matches all files of a folder", quoted(&format!("{pattern}/**")))
        }
        _ if pattern.contains('*') && !pattern.contains("**") => {
            "; `*` stays within one folder, `**` does not".into()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::{Capture, File, SkippedFile, Status, Timings};

    fn outcome(files: &[&str], skipped: &[(&str, &str)]) -> Report {
        Report {
            id: String::new(),
            status: Status::Exited(0),
            stdout: Capture::default(),
            stderr: Capture::default(),
            files: files.iter().map(|path| File::new(*path, [])).collect(),
            skipped: skipped
                .iter()
                .map(|(path, reason)| SkippedFile { path: (*path).into(), reason: (*reason).into() })
                .collect(),
            timings: Timings::default(),
            warm: false,
        }
    }

    fn lines(skipped: &[(&str, &str)]) -> Vec<String> {
        Files::skipped(&outcome(&[], skipped)).lines("was not returned", "were not returned")
    }

    #[test]
    fn few_files_have_a_line_each_and_many_have_one_line() {
        assert_eq!(lines(&[]), [""; 0]);
        assert_eq!(
            lines(&[("a", "big"), ("b", "link")]),
            ["`a` was not returned: big", "`b` was not returned: link"]
        );
        let full = "as many files as allowed were brought back before it";
        let unlisted = ("…", "8900 more files were not brought back");
        let all = "8904 files were not returned: `a`, `b`, `c` and 8901 more; the first: as many files as allowed were \
                   brought back before it (--collected-files)";
        assert_eq!(lines(&[("a", full), ("b", full), ("c", full), ("d", full), unlisted]), [all]);
    }

    #[test]
    fn lost_files_have_their_own_message_and_count_as_matched() {
        let patterns = ["**", "[ab]*.txt", "c", "d"];
        let skipped: Vec<_> =
            [("big", "has 9 bytes")].into_iter().chain(patterns.map(|p| (p, LOST_FILES))).collect();
        let outcome = outcome(&["a"], &skipped);
        assert_eq!(lines(&skipped), ["`big` was not returned: has 9 bytes"]);
        let message = lost(&outcome).expect("a line");
        assert!(
            message.starts_with("files of --collect `**`, `[ab]*.txt`, `c` and 1 more are lost: "),
            "{message}"
        );
        assert_eq!(unmatched(&patterns.map(Into::into), &outcome).lines, [""; 0]);
        assert_eq!(lost(&self::outcome(&["a"], &skipped[..1])), None);
    }

    #[test]
    fn a_pattern_without_a_file_is_reported() {
        let outcome = outcome(&["a/b.txt"], &[("big", "has 9 bytes")]);
        for (pattern, message, is_incomplete) in [
            ("a/*", None, false),
            ("a/b.txt", None, false),
            ("**", None, false),
            ("big", None, true),
            ("*.txt", Some("`*` stays within one folder"), false),
            ("**/*.png", Some("no such file"), false),
            ("a", Some("`a/**`"), true),
        ] {
            let unmatched = unmatched(&[pattern.into()], &outcome);
            assert_eq!(unmatched.is_incomplete, is_incomplete, "{pattern}");
            assert_eq!(
                unmatched.lines.len(),
                usize::from(message.is_some()),
                "{pattern}: {:?}",
                unmatched.lines
            );
            assert!(
                message.is_none_or(|message| unmatched.lines[0].contains(message)),
                "{pattern}: {:?}",
                unmatched.lines
            );
        }
    }
}
