//! Python: each process executes one request after the other.

use super::{SharedSidecar, has_moderate_output, json};
use crate::{
    conformance::{Case, ContractError, Driver, Failure, Outcome},
    hosts::Python as Process,
};
use cofferdam_component::types::Request;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The PyPI package `wasmtime`.
#[derive(Debug)]
pub struct Python {
    sidecar: SharedSidecar,
    /// Idle processes. A process that failed is not used again.
    idle: Mutex<Vec<Process>>,
}

impl Python {
    /// A driver whose processes use this sidecar.
    #[must_use]
    pub fn new(sidecar: SharedSidecar) -> Self {
        Self { sidecar, idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver for Python {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        Ok(has_moderate_output(case))
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        let idle = self.idle().pop();
        let mut process = idle.unwrap_or_else(|| Process::start(self.sidecar.url()));
        let result = process.call("code-executor", "execute", &json::request(&request))?;
        self.idle().push(process);
        json::result(result)
    }
}
