//! What came of all plans, in figures.

use super::trial::Verdict;
use cofferdam_tests::conformance::Failure;
use std::{collections::BTreeMap, fmt, time::Duration};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    plans: usize,
    /// How many runs ended so, and how long the longest took.
    outcomes: BTreeMap<String, (usize, Duration)>,
    violations: Vec<String>,
    /// The plan that took longest.
    longest: (Duration, u64),
}

impl Tally {
    /// One more plan.
    pub(crate) fn add(&mut self, number: u64, plan: &str, verdict: Verdict) {
        self.plans += 1;
        self.longest = self.longest.max((verdict.took, number));
        for outcome in verdict.outcomes {
            let (count, longest) = self.outcomes.entry(outcome.name).or_default();
            *count += 1;
            *longest = outcome.took.max(*longest);
        }
        for violation in verdict.violations {
            let told = format!("ONLY={number} {violation}\n  {plan}");
            eprintln!("{told}");
            self.violations.push(told);
        }
    }

    /// What another has counted.
    pub(crate) fn join(&mut self, other: Self) {
        self.plans += other.plans;
        self.longest = self.longest.max(other.longest);
        self.violations.extend(other.violations);
        for (name, (more, longer)) in other.outcomes {
            let (count, longest) = self.outcomes.entry(name).or_default();
            *count += more;
            *longest = longer.max(*longest);
        }
    }

    /// Fails where anything did not hold.
    pub(crate) fn verdict(self) -> Result<(), Failure> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations.join("\n").into()) }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: usize = self.outcomes.values().map(|(count, _)| count).sum();
        writeln!(f, "{} plans, {runs} runs, {} violations", self.plans, self.violations.len())?;
        writeln!(f, "the longest was ONLY={}, {:.1} s", self.longest.1, self.longest.0.as_secs_f64())?;
        for (name, (count, longest)) in &self.outcomes {
            writeln!(f, "{count:6} {name}, the longest after {:.1} s", longest.as_secs_f64())?;
        }
        Ok(())
    }
}
