//! All cases of a suite by one way.

use super::{Case, Failure};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

/// Which of all cases are run by a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// All of them.
    Each,
    /// Every other one, from the first on.
    First,
    /// The others.
    Second,
}

impl Turn {
    /// The cases whose turn it is.
    #[must_use]
    pub fn of(self, cases: Vec<Case>) -> Vec<Case> {
        let is_taken = |at: usize| match self {
            Self::Each => true,
            Self::First => at.is_multiple_of(2),
            Self::Second => !at.is_multiple_of(2),
        };
        cases.into_iter().enumerate().filter(|(at, _)| is_taken(*at)).map(|(_, case)| case).collect()
    }
}

/// What has failed, and how.
#[derive(Debug, Default)]
pub struct Failures(Vec<String>);

impl Failures {
    /// Takes those of another way too.
    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether all went well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells them once more, since pages of what went well follow the place where each was told, and ends the suite.
    #[must_use]
    pub fn end(&self) -> ExitCode {
        if self.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("\nof all ways there failed {}:\n{}", self.0.len(), self.0.join("\n"));
        ExitCode::FAILURE
    }
}

/// Tries all cases, so many at once, but those that are left out; gives those that failed.
///
/// # Errors
///
/// A case that cannot be read.
pub fn try_all(
    arguments: &Arguments,
    name: &str,
    at_once: Option<usize>,
    cases: Vec<Case>,
    takes: impl Fn(&Case) -> Result<bool, Failure>,
    test: impl Fn(&Case) -> Result<(), Failure> + Send + Sync + 'static,
) -> Result<Failures, Failure> {
    let (test, failures) = (Arc::new(test), Arc::new(Mutex::new(Vec::new())));
    let trial = |case: Case| {
        let (test, is_taken, failures) = (test.clone(), takes(&case)?, failures.clone());
        let name = format!("{name}::{}", case.name());
        let trial = Trial::test(name.clone(), move || {
            test(&case).map_err(|error| {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name}: {error}"));
                Failed::from(error)
            })
        });
        Ok::<_, Failure>(trial.with_ignored_flag(!is_taken))
    };
    let trials = cases.into_iter().map(trial).collect::<Result<_, Failure>>()?;
    let mut arguments = arguments.clone();
    arguments.test_threads = arguments.test_threads.or(at_once);
    let failed = libtest_mimic::run(&arguments, trials).num_failed;
    let mut failures = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
    // A panic tells of itself where it happens.
    failures.resize(usize::try_from(failed)?, format!("{name}: a panic, told above"));
    Ok(Failures(failures))
}
