//! All cases of a suite by one way.

use super::{Case, Failure};
use libtest_mimic::{Arguments, Failed, Trial};
use std::sync::Arc;

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

/// Tries all cases, so many at once, but those that are left out; gives how many failed.
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
) -> Result<u64, Failure> {
    let test = Arc::new(test);
    let trial = |case: Case| {
        let (test, is_taken) = (test.clone(), takes(&case)?);
        let trial = Trial::test(format!("{name}::{}", case.name()), move || test(&case).map_err(Failed::from));
        Ok::<_, Failure>(trial.with_ignored_flag(!is_taken))
    };
    let trials = cases.into_iter().map(trial).collect::<Result<_, Failure>>()?;
    let mut arguments = arguments.clone();
    arguments.test_threads = arguments.test_threads.or(at_once);
    Ok(libtest_mimic::run(&arguments, trials).num_failed)
}
