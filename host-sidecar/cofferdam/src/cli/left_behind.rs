//! What is said of files that were asked for and did not come. Pure.

use cofferdam_core::progress::LOST_FILES;
use cofferdam_types::{Report, quoted};

/// So many files have a line of their own; more have one together.
const FEW: usize = 3;
/// What the runner says in the place of the files that it does not list.
const MORE: (&str, &str) = ("…", " more files were not brought back");

/// Files that have something in common, with the reason of each.
pub(super) struct Files<'a> {
    listed: Vec<(&'a str, &'a str)>,
    unlisted: usize,
}

impl<'a> Files<'a> {
    pub(super) fn new(listed: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self { listed: listed.collect(), unlisted: 0 }
    }

    /// Those that were not brought back.
    pub(super) fn skipped(outcome: &'a Report) -> Self {
        let files = outcome.skipped.iter().filter(|file| file.reason != LOST_FILES);
        let mut files = Self::new(files.map(|file| (&*file.path, &*file.reason)));
        let unlisted = files.listed.last().filter(|(path, _)| *path == MORE.0);
        if let Some(count) = unlisted.and_then(|(_, reason)| reason.strip_suffix(MORE.1)?.parse().ok()) {
            files.unlisted = count;
            files.listed.pop();
        }
        files
    }

    /// The lines that say so: `what` is said of one file, and `what_of_many` of many.
    pub(super) fn lines(&self, what: &str, what_of_many: &str) -> Vec<String> {
        let count = self.listed.len() + self.unlisted;
        if self.unlisted == 0 && count <= FEW {
            let line = |(path, reason): &(&str, &str)| format!("{} {what}: {reason}{}", quoted(path), option(reason));
            return self.listed.iter().map(line).collect();
        }
        let names = self.listed.iter().take(FEW).map(|(path, _)| quoted(path)).collect::<Vec<_>>().join(", ");
        let (reason, more) = (self.listed.first().map_or("", |(_, reason)| reason), count.saturating_sub(FEW));
        vec![format!("{count} files {what_of_many}: {names} and {more} more; the first: {reason}{}", option(reason))]
    }

    fn has(&self, pattern: &str) -> bool {
        self.listed.iter().any(|(path, _)| fast_glob::glob_match(pattern, path))
    }
}

/// The option that lets more come, where a bound is the runner's reason.
fn option(reason: &str) -> &'static str {
    match reason {
        _ if reason.starts_with("as many files as allowed") => " (--collected-files)",
        _ if reason.ends_with("more are allowed") => " (--collected-limit)",
        _ => "",
    }
}

/// What is said where the sandbox was gone before all files were here; which of them there were is not known.
pub(super) fn lost(outcome: &Report) -> Option<String> {
    let lost = outcome.skipped.iter().filter(|file| file.reason == LOST_FILES);
    let patterns: Vec<String> = lost.map(|file| quoted(&file.path)).collect();
    let more = patterns.len().checked_sub(FEW).filter(|more| *more > 0);
    let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
    let few = patterns.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", ");
    (!patterns.is_empty()).then(|| {
        format!(
            "files of --collect {few}{more} are lost: the sandbox was gone before all of them had been brought back"
        )
    })
}

/// What is said of patterns.
#[derive(Debug, Default)]
pub(super) struct Missed {
    pub(super) lines: Vec<String>,
    /// Whether a file that a pattern names without wildcards did not come.
    pub(super) is_incomplete: bool,
}

/// Looks at each pattern for what came of it.
pub(super) fn missed(patterns: &[String], outcome: &Report) -> Missed {
    let (skipped, is_lost) = (Files::skipped(outcome), lost(outcome).is_some());
    let mut missed = Missed::default();
    for pattern in patterns {
        if outcome.files.iter().any(|file| fast_glob::glob_match(pattern, &file.path)) {
            continue;
        }
        missed.is_incomplete |= is_literal(pattern);
        if skipped.unlisted == 0 && !is_lost && !skipped.has(pattern) {
            missed.lines.push(format!(
                "nothing came of --collect {}: the program made or changed no such file{}",
                quoted(pattern),
                hint(pattern)
            ));
        }
    }
    missed
}

fn is_literal(pattern: &str) -> bool {
    !pattern.starts_with('!') && !pattern.contains(['*', '?', '[', '{', '\\'])
}

fn hint(pattern: &str) -> String {
    match pattern {
        _ if is_literal(pattern) => format!("; all below a folder is {}", quoted(&format!("{pattern}/**"))),
        _ if pattern.contains('*') && !pattern.contains("**") => "; `*` stays within one folder, `**` does not".into(),
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
            files: files.iter().map(|path| File { path: (*path).into(), content: Vec::new() }).collect(),
            skipped: skipped
                .iter()
                .map(|(path, reason)| SkippedFile { path: (*path).into(), reason: (*reason).into() })
                .collect(),
            timings: Timings::default(),
            warm: false,
        }
    }

    fn lines(skipped: &[(&str, &str)]) -> Vec<String> {
        Files::skipped(&outcome(&[], skipped)).lines("was not brought back", "were not brought back")
    }

    #[test]
    fn few_files_have_a_line_each_and_many_have_one_together() {
        assert_eq!(lines(&[]), [""; 0]);
        assert_eq!(
            lines(&[("a", "big"), ("b", "link")]),
            ["`a` was not brought back: big", "`b` was not brought back: link"]
        );
        let full = "as many files as allowed were brought back before it";
        let unlisted = ("…", "8900 more files were not brought back");
        let all = "8904 files were not brought back: `a`, `b`, `c` and 8901 more; the first: as many files as allowed were \
                   brought back before it (--collected-files)";
        assert_eq!(lines(&[("a", full), ("b", full), ("c", full), ("d", full), unlisted]), [all]);
    }

    #[test]
    fn files_that_were_lost_have_a_line_of_their_own_and_are_not_called_unmade() {
        let patterns = ["**", "[ab]*.txt", "c", "d"];
        let skipped: Vec<_> = [("big", "has 9 bytes")].into_iter().chain(patterns.map(|p| (p, LOST_FILES))).collect();
        let outcome = outcome(&["a"], &skipped);
        assert_eq!(lines(&skipped), ["`big` was not brought back: has 9 bytes"]);
        let said = lost(&outcome).expect("a line");
        assert!(said.starts_with("files of --collect `**`, `[ab]*.txt`, `c` and 1 more are lost: "), "{said}");
        assert_eq!(missed(&patterns.map(Into::into), &outcome).lines, [""; 0]);
        assert_eq!(lost(&self::outcome(&["a"], &skipped[..1])), None);
    }

    #[test]
    fn a_pattern_of_which_nothing_came_is_said() {
        let outcome = outcome(&["a/b.txt"], &[("big", "has 9 bytes")]);
        for (pattern, said, is_incomplete) in [
            ("a/*", None, false),
            ("a/b.txt", None, false),
            ("**", None, false),
            ("big", None, true),
            ("*.txt", Some("`*` stays within one folder"), false),
            ("**/*.png", Some("no such file"), false),
            ("a", Some("`a/**`"), true),
        ] {
            let missed = missed(&[pattern.into()], &outcome);
            assert_eq!(missed.is_incomplete, is_incomplete, "{pattern}");
            assert_eq!(missed.lines.len(), usize::from(said.is_some()), "{pattern}: {:?}", missed.lines);
            assert!(said.is_none_or(|said| missed.lines[0].contains(said)), "{pattern}: {:?}", missed.lines);
        }
    }
}
