//! The result of a check, and how it is shown. Pure.

use cofferdam_types::printable;
use serde::Serialize;
use std::fmt;

/// Maximum length of a text, so that all findings fit on one screen.
const MAX_CHARS: usize = 400;

/// What a finding means for executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The check passed.
    Ok,
    /// Executions work, and something should be improved.
    Warning,
    /// Executions do not work, or not safely.
    Failed,
    /// The check was not made.
    Skipped,
}

/// The result of one check, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// What the result means.
    pub verdict: Verdict,
    /// The fact.
    pub text: String,
    /// What to do. Set for each failure.
    pub advice: Option<String>,
}

impl Finding {
    /// The check passed.
    pub fn ok(check: &'static str, text: impl AsRef<str>) -> Self {
        Self { check, verdict: Verdict::Ok, text: sanitize(text.as_ref()), advice: None }
    }

    /// The same; `advice` says what else is possible.
    #[must_use]
    pub fn with_advice(self, advice: impl AsRef<str>) -> Self {
        Self { advice: Some(sanitize(advice.as_ref())), ..self }
    }

    /// Executions work; `advice` says what to improve.
    pub fn warning(check: &'static str, text: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        let advice = Some(sanitize(advice.as_ref()));
        Self { check, verdict: Verdict::Warning, text: sanitize(text.as_ref()), advice }
    }

    /// Executions do not work, or not safely; `advice` says what to do.
    pub fn failed(check: &'static str, text: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::warning(check, text, advice) }
    }

    /// The check failed with a message that says what to do after its first semicolon, as those of invalid
    /// settings do. `advice` is for a message without one.
    pub fn failed_with_message(check: &'static str, message: &str, advice: &str) -> Self {
        let (text, advice) = message.split_once("; ").unwrap_or((message, advice));
        Self::failed(check, text, advice)
    }

    /// The check was not made.
    pub fn skipped(check: &'static str, reason: impl AsRef<str>) -> Self {
        let text = sanitize(&format!("{check}: {}", reason.as_ref()));
        Self { check, verdict: Verdict::Skipped, text, advice: None }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        };
        write!(f, "{verdict:<8}{}", self.text)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// One line of limited length without control characters. Some texts contain data of the cluster or the
/// sandbox.
fn sanitize(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line: String = words.chars().map(printable).take(MAX_CHARS).collect();
    if words.chars().count() > MAX_CHARS {
        line.push('…');
    }
    line
}

/// Collects findings and passes each to a listener at once.
pub struct Findings<'a> {
    all: Vec<Finding>,
    listener: &'a mut dyn FnMut(&Finding),
}

impl<'a> Findings<'a> {
    /// An empty collection.
    pub fn new(listener: &'a mut dyn FnMut(&Finding)) -> Self {
        Self { all: Vec::new(), listener }
    }

    /// All findings, in their order.
    pub fn into_all(self) -> Vec<Finding> {
        self.all
    }

    /// Adds a finding. Returns whether checks that depend on it can be made.
    pub fn push(&mut self, finding: Finding) -> bool {
        (self.listener)(&finding);
        let can_continue = finding.verdict != Verdict::Failed;
        self.all.push(finding);
        can_continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_that_begins_with_its_verdict() {
        for (finding, line) in [
            (Finding::ok("a", "all is well"), "ok      all is well"),
            (Finding::warning("a", "it is odd", "mend it"), "warning it is odd; mend it"),
            (Finding::failed("a", "it is\n  broken", "mend it"), "FAILED  it is broken; mend it"),
            (Finding::skipped("a", "--no-probe"), "skipped a: --no-probe"),
        ] {
            assert_eq!(finding.to_string(), line);
        }
    }

    #[test]
    fn control_characters_are_replaced_and_long_texts_are_cut() {
        let finding = Finding::ok("a", format!("\u{1b}[2J{}", "é".repeat(1000)));
        assert!(!finding.text.contains('\u{1b}'));
        assert_eq!(finding.text.chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn only_a_failure_prevents_dependent_checks() {
        let mut count = 0;
        let mut listener = |_: &Finding| count += 1;
        let mut findings = Findings::new(&mut listener);
        assert!(findings.push(Finding::ok("a", "")));
        assert!(findings.push(Finding::warning("a", "", "")));
        assert!(findings.push(Finding::skipped("a", "")));
        assert!(!findings.push(Finding::failed("a", "", "")));
        assert_eq!(findings.into_all().len(), 4);
        assert_eq!(count, 4);
    }

    #[test]
    fn the_verdict_is_a_word_in_json() {
        let finding = serde_json::to_value(Finding::failed("run", "it broke", "mend it")).expect("JSON");
        let expected = serde_json::json!({ "check": "run", "verdict": "failed", "text": "it broke", "advice": "mend it" });
        assert_eq!(finding, expected);
    }

    #[test]
    fn a_message_is_split_into_text_and_advice() {
        let finding = Finding::failed_with_message("a", "there is none; name one; there are: x", "");
        assert_eq!(
            (&*finding.text, finding.advice.as_deref()),
            ("there is none", Some("name one; there are: x"))
        );
        let finding = Finding::failed_with_message("a", "there is none", "make one");
        assert_eq!((&*finding.text, finding.advice.as_deref()), ("there is none", Some("make one")));
    }
}
