//! A driver that searches outcomes for a secret.

use crate::conformance::{Case, ContractError, Driver, Failure, Outcome};
use cofferdam_component::types::Request;
use std::sync::{Mutex, PoisonError};

/// Wraps a driver and fails if an outcome contains the secret.
pub struct SecretCheck {
    driver: Box<dyn Driver>,
    secret: String,
    ids: Mutex<Vec<String>>,
}

impl SecretCheck {
    /// Wraps a driver.
    #[must_use]
    pub fn new(driver: Box<dyn Driver>, secret: &str) -> Self {
        Self { driver, secret: secret.to_owned(), ids: Mutex::default() }
    }

    /// Ids of all executions so far.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Driver for SecretCheck {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        self.driver.supports(case)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        let result = self.driver.execute(request)?;
        if let Ok(outcome) = &result {
            self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(outcome.id.clone());
            if outcome.contains(self.secret.as_bytes()) {
                return Err("the outcome contains the machine's secret".into());
            }
        }
        Ok(result)
    }
}
