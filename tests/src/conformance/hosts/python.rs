//! Python: processes that each execute one request after the other.

use super::{Served, can_hold, json};
use crate::{
    conformance::{Case, Failure, Outcome, Refusal, Way},
    hosts::Python as Process,
};
use cofferdam_component::types::Request;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The PyPI package `wasmtime`.
#[derive(Debug)]
pub struct Python {
    served: Served,
    /// Those that execute nothing now. One that did not answer is not asked again.
    idle: Mutex<Vec<Process>>,
}

impl Python {
    /// With a sidecar.
    #[must_use]
    pub fn new(served: Served) -> Self {
        Self { served, idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way for Python {
    fn takes(&self, case: &Case) -> Result<bool, Failure> {
        Ok(can_hold(case))
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        let idle = self.idle().pop();
        let mut process = idle.unwrap_or_else(|| Process::start(self.served.url()));
        let answer = process.call("code-executor", "execute", &json::request(&request))?;
        self.idle().push(process);
        json::answer(answer)
    }
}
