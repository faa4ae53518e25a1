//! Drivers: hosts of the component that execute a case's request.

use super::{Case, ContractError, Failure, Outcome};
use crate::cluster::runtime;
use cofferdam::{Runtime, types};
use cofferdam_component::{ExecuteError, Executor, SandboxCtx, code_executor, types::Request};
use std::{
    path::{Path, PathBuf},
    thread,
};

/// Attempts to execute a case in a prewarmed sandbox.
const MAX_ATTEMPTS: usize = 20;

/// A host of the component.
pub trait Driver: Send + Sync {
    /// Whether the driver can execute the case.
    ///
    /// # Errors
    ///
    /// The case cannot be read.
    fn supports(&self, case: &Case) -> Result<bool, Failure>;

    /// The root file system of its sandboxes, for programs without a sandbox; none: that of this machine.
    fn root(&self) -> Option<&Path> {
        None
    }

    /// Executes a request.
    ///
    /// # Errors
    ///
    /// The host fails to return an outcome or an error of the contract.
    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure>;

    /// Executes requests at once.
    ///
    /// # Errors
    ///
    /// As [`Self::execute`].
    fn execute_all(&self, requests: Vec<Request>) -> Result<Vec<Result<Outcome, ContractError>>, Failure> {
        execute_in_threads(self, requests)
    }
}

/// Executes each request in a thread of its own.
pub(super) fn execute_in_threads(
    driver: &(impl Driver + ?Sized),
    requests: Vec<Request>,
) -> Result<Vec<Result<Outcome, ContractError>>, Failure> {
    thread::scope(|scope| {
        let calls: Vec<_> =
            requests.into_iter().map(|request| scope.spawn(|| driver.execute(request))).collect();
        calls.into_iter().map(|call| call.join().map_err(|_| "a call panicked")?).collect()
    })
}

/// The Rust library as the host.
#[derive(Debug)]
pub struct Library {
    /// The component.
    pub executor: Executor,
    /// The implementation of the component's import.
    pub sidecar: Runtime,
}

impl Driver for Library {
    fn supports(&self, _: &Case) -> Result<bool, Failure> {
        Ok(true)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        into_result(self.call(request))
    }
}

impl Library {
    fn call(&self, request: Request) -> Result<code_executor::Outcome, ExecuteError> {
        runtime().block_on(self.executor.execute(SandboxCtx::new(self.sidecar.clone()), request))
    }
}

pub(super) fn into_result(
    result: Result<code_executor::Outcome, ExecuteError>,
) -> Result<Result<Outcome, ContractError>, Failure> {
    match result {
        Ok(outcome) => Ok(Ok(outcome.into())),
        Err(ExecuteError::Refused(error)) => Ok(Err(error.into())),
        Err(error) => Err(format!("{error:?}").into()),
    }
}

/// The Rust library with prewarmed sandboxes.
#[derive(Debug)]
pub struct Warm(pub Library);

impl Driver for Warm {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        self.0.supports(case)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        for _ in 0..MAX_ATTEMPTS {
            let can_prewarm = runtime().block_on(self.0.sidecar.warm_up(prewarm_request(&request))).is_ok();
            let result = self.0.call(request.clone());
            // Another case may have taken the prewarmed sandbox.
            if !can_prewarm || result.as_ref().map_or(true, |outcome| outcome.warm) {
                return into_result(result);
            }
        }
        Err("other cases took the prewarmed sandbox in every attempt".into())
    }
}

/// A driver whose sandboxes have the files of this folder as their root.
#[derive(Debug)]
pub struct InRoot<D>(pub D, pub PathBuf);

impl<D: Driver> Driver for InRoot<D> {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        self.0.supports(case)
    }

    fn root(&self) -> Option<&Path> {
        Some(&self.1)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        self.0.execute(request)
    }
}

/// A request for the same kind of sandbox, with an empty program.
fn prewarm_request(request: &Request) -> types::Request {
    let limits = request.limits.map(|limits| types::RequestedLimits {
        wall_time_ms: None,
        startup_time_ms: None,
        collected_files: None,
        ..types::requested_limits!(limits)
    });
    types::Request {
        code: "#".into(),
        language: request.language.clone(),
        network: request.network.clone(),
        limits: limits.unwrap_or_default(),
        ..types::Request::default()
    }
}
