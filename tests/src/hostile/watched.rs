//! A way whose outcomes are looked through for what must not be in them.

use crate::conformance::{Case, Failure, Outcome, Refusal, Way};
use cofferdam_component::types::Request;
use std::sync::{Mutex, PoisonError};

/// Another way, watched.
pub struct Watched {
    way: Box<dyn Way>,
    secret: String,
    ids: Mutex<Vec<String>>,
}

impl Watched {
    /// Nothing that comes by this way may hold the secret.
    #[must_use]
    pub fn new(way: Box<dyn Way>, secret: &str) -> Self {
        Self { way, secret: secret.to_owned(), ids: Mutex::default() }
    }

    /// The runs that there have been.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Way for Watched {
    fn takes(&self, case: &Case) -> Result<bool, Failure> {
        self.way.takes(case)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        let result = self.way.execute(request)?;
        if let Ok(outcome) = &result {
            self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(outcome.id.clone());
            if outcome.contains(self.secret.as_bytes()) {
                return Err("a secret of the machine came back".into());
            }
        }
        Ok(result)
    }
}
