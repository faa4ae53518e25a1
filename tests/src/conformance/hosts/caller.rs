//! Hosts with a program in `tests/hosts/callers`: each process executes one request after the other.

use super::{SidecarUrl, has_moderate_output, json};
use crate::{
    conformance::{Case, ContractError, Driver, Failure, Outcome, driver::execute_in_threads},
    hosts::Caller,
};
use cofferdam_component::types::Request;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A driver that starts a process if none is idle.
#[derive(Debug)]
pub struct CallerHost {
    start: fn(&str) -> Caller,
    sidecar: SidecarUrl,
    /// Whether a process executes several requests at once.
    is_concurrent: bool,
    /// A process that failed is not used again.
    idle: Mutex<Vec<Caller>>,
}

impl CallerHost {
    /// `start` starts a process that uses the sidecar with this URL and executes one request at a time.
    #[must_use]
    pub fn new(start: fn(&str) -> Caller, sidecar: SidecarUrl) -> Self {
        Self { start, sidecar, is_concurrent: false, idle: Mutex::default() }
    }

    /// The same with a process that executes several requests at once.
    #[must_use]
    pub fn concurrent(start: fn(&str) -> Caller, sidecar: SidecarUrl) -> Self {
        Self { is_concurrent: true, ..Self::new(start, sidecar) }
    }

    fn call(&self, requests: &[Request]) -> Result<Vec<Result<Outcome, ContractError>>, Failure> {
        let idle = self.idle().pop();
        let mut process = idle.unwrap_or_else(|| (self.start)(self.sidecar.get()));
        let requests: Vec<_> = requests.iter().map(json::request).collect();
        let results = process.call_all("code-executor", "execute", &requests)?;
        self.idle().push(process);
        results.into_iter().map(json::result).collect()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Caller>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver for CallerHost {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        Ok(has_moderate_output(case))
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        self.call(&[request])?.pop().ok_or_else(|| "there is no result".into())
    }

    fn execute_all(&self, requests: Vec<Request>) -> Result<Vec<Result<Outcome, ContractError>>, Failure> {
        if self.is_concurrent { self.call(&requests) } else { execute_in_threads(self, requests) }
    }
}
