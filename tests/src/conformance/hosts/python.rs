//! Python: one process that executes one request after the other.

use super::{Served, can_hold, json};
use crate::{
    conformance::{Case, Failure, Outcome, Refusal, Way},
    hosts::Python as Process,
};
use cofferdam::component::types::Request;
use std::sync::{Mutex, PoisonError};

/// The PyPI package `wasmtime`.
#[derive(Debug)]
pub struct Python {
    served: Served,
    /// None before the first request, and after one without an answer.
    process: Mutex<Option<Process>>,
}

impl Python {
    /// With a sidecar.
    #[must_use]
    pub fn new(served: Served) -> Self {
        Self { served, process: Mutex::new(None) }
    }
}

impl Way for Python {
    fn takes(&self, case: &Case) -> Result<bool, Failure> {
        Ok(can_hold(case))
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        let mut kept = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process = kept.take().unwrap_or_else(|| Process::start(self.served.url()));
        let answer = process.call("code-executor", "execute", &json::request(&request))?;
        // One that did not answer is not asked again.
        *kept = Some(process);
        json::answer(answer)
    }
}
