//! Statistics of all cases.

use super::case::CaseResult;
use cofferdam_tests::conformance::Failure;
use std::{collections::BTreeMap, fmt, time::Duration};

#[derive(Debug, Default)]
pub(crate) struct Summary {
    plans: usize,
    /// For each outcome, the number of runs and the longest duration.
    outcomes: BTreeMap<String, (usize, Duration)>,
    violations: Vec<String>,
    /// Duration and number of the longest plan.
    longest: (Duration, u64),
}

impl Summary {
    /// Adds the result of one plan.
    pub(crate) fn add(&mut self, number: u64, plan: &str, result: CaseResult) {
        self.plans += 1;
        self.longest = self.longest.max((result.duration, number));
        for outcome in result.outcomes {
            let (count, longest) = self.outcomes.entry(outcome.name).or_default();
            *count += 1;
            *longest = outcome.duration.max(*longest);
        }
        for violation in result.violations {
            let message = format!("ONLY={number} {violation}\n  {plan}");
            eprintln!("{message}");
            self.violations.push(message);
        }
    }

    /// Adds another summary.
    pub(crate) fn merge(&mut self, other: Self) {
        self.plans += other.plans;
        self.longest = self.longest.max(other.longest);
        self.violations.extend(other.violations);
        for (name, (more, longer)) in other.outcomes {
            let (count, longest) = self.outcomes.entry(name).or_default();
            *count += more;
            *longest = longer.max(*longest);
        }
    }

    /// Fails if there are violations.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations.join("\n").into()) }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: usize = self.outcomes.values().map(|(count, _)| count).sum();
        writeln!(f, "{} plans, {runs} runs, {} violations", self.plans, self.violations.len())?;
        writeln!(f, "longest plan: ONLY={}, {:.1} s", self.longest.1, self.longest.0.as_secs_f64())?;
        for (name, (count, longest)) in &self.outcomes {
            writeln!(f, "{count:6} {name}, longest {:.1} s", longest.as_secs_f64())?;
        }
        Ok(())
    }
}
