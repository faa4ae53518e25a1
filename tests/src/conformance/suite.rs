//! Executes all cases of a suite with one driver.

use super::{Failure, TestCase};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

/// Which cases a driver executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All cases.
    All,
    /// Every second case, beginning with the first.
    Even,
    /// The remaining cases.
    Odd,
}

impl Selection {
    /// The selected cases.
    #[must_use]
    pub fn select<C>(self, cases: Vec<C>) -> Vec<C> {
        let is_selected = |at: usize| match self {
            Self::All => true,
            Self::Even => at.is_multiple_of(2),
            Self::Odd => !at.is_multiple_of(2),
        };
        cases.into_iter().enumerate().filter(|(at, _)| is_selected(*at)).map(|(_, case)| case).collect()
    }
}

/// The failed cases and their errors.
#[derive(Debug, Default)]
pub struct Failures(Vec<String>);

impl Failures {
    /// Adds the failures of another driver.
    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether no case has failed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Prints all failures again at the end of the output, and returns the exit code.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        if self.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("\n{} failed:\n{}", self.0.len(), self.0.join("\n"));
        ExitCode::FAILURE
    }
}

/// Executes all cases that the driver supports, at most `concurrency` concurrently, and returns the failures.
///
/// # Errors
///
/// A case cannot be read.
pub fn run_suite<C: TestCase + Send + 'static>(
    arguments: &Arguments,
    name: &str,
    concurrency: Option<usize>,
    cases: Vec<C>,
    supports: impl Fn(&C) -> Result<bool, Failure>,
    test: impl Fn(&C) -> Result<(), Failure> + Send + Sync + 'static,
) -> Result<Failures, Failure> {
    let (test, failures) = (Arc::new(test), Arc::new(Mutex::new(Vec::new())));
    let trial = |case: C| {
        let (test, is_supported, failures) = (test.clone(), supports(&case)?, failures.clone());
        let name = format!("{name}::{}", case.name());
        let trial = Trial::test(name.clone(), move || {
            test(&case).map_err(|error| {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name}: {error}"));
                Failed::from(error)
            })
        });
        Ok::<_, Failure>(trial.with_ignored_flag(!is_supported))
    };
    let trials = cases.into_iter().map(trial).collect::<Result<_, Failure>>()?;
    let mut arguments = arguments.clone();
    arguments.test_threads = arguments.test_threads.or(concurrency);
    let failed = libtest_mimic::run(&arguments, trials).num_failed;
    let mut failures = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
    // A panic prints its own message.
    failures.resize(usize::try_from(failed)?, format!("{name}: panicked; its message is above"));
    Ok(Failures(failures))
}
