//! The outcomes that `tests/cpython/run.py` writes, and the differences between two of them.

use serde::Deserialize;
use std::{collections::BTreeMap, fmt};

/// The name under which the exit status of a module's process is listed.
pub(super) const END: &str = "(its end)";

/// How bad an outcome is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Passed,
    Skipped,
    Failed,
}

#[derive(Debug, Clone)]
pub(super) struct Outcome {
    kind: Kind,
    reason: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason: String = self.reason.chars().take(300).collect();
        write!(formatter, "{:?} {reason}", self.kind)
    }
}

/// The outcome of each test of a module.
pub(super) type Outcomes = BTreeMap<String, Outcome>;
/// Tests whose outcomes differ, with both.
pub(super) type Differences = BTreeMap<String, String>;

/// A line of the file: the outcome of a test, or the exit status of the process.
#[derive(Deserialize)]
struct Line {
    test: Option<String>,
    outcome: Option<Kind>,
    #[serde(default)]
    reason: String,
    status: Option<i32>,
}

/// Parses the outcomes of a module. Of several outcomes of a test, the worst counts. `ended` explains the end
/// of a process that did not write its exit status.
pub(super) fn parse(module: &str, text: &str, ended: &str) -> Outcomes {
    let own = format!("test.{module}.");
    let mut outcomes = Outcomes::new();
    let mut add = |test: &str, outcome: Outcome| {
        let name = test.replace(&own, "");
        let known = outcomes.entry(name).or_insert_with(|| outcome.clone());
        if known.kind < outcome.kind {
            *known = outcome;
        }
    };
    let mut status = None;
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).expect("a line of JSON");
        status = status.or(line.status);
        if let (Some(test), Some(kind)) = (line.test, line.outcome) {
            add(&test, Outcome { kind, reason: line.reason });
        }
    }
    let (kind, reason) = match status {
        Some(0..) => (Kind::Passed, String::new()),
        Some(signal) => (Kind::Failed, format!("killed by signal {}", -signal)),
        None => (Kind::Failed, ended.to_owned()),
    };
    add(END, Outcome { kind, reason });
    outcomes
}

/// The tests whose outcomes differ.
pub(super) fn differences(native: &Outcomes, inside: &Outcomes) -> Differences {
    let all = native.keys().chain(inside.keys());
    let pairs = all.map(|test| (test, native.get(test), inside.get(test)));
    let differing = pairs.filter(|(_, native, inside)| {
        native.map(|outcome| outcome.kind) != inside.map(|outcome| outcome.kind)
    });
    let describe =
        |outcome: Option<&Outcome>| outcome.map_or_else(|| "missing".to_owned(), ToString::to_string);
    differing
        .map(|(test, native, inside)| {
            (test.clone(), format!("natively {}; in a sandbox {}", describe(native), describe(inside)))
        })
        .collect()
}
