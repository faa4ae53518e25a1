//! The ways by which a case's request reaches a sandbox.

use super::{Case, Failure, Outcome, Refusal};
use crate::cluster::runtime;
use cofferdam::{Runtime, types};
use cofferdam_component::{ExecuteError, Executor, SandboxImport, code_executor, types::Request};

/// How often a case that is to find a sandbox waiting is tried.
const TRIES: usize = 20;

/// A host of the component.
pub trait Way: Send + Sync {
    /// Whether the case makes sense this way.
    ///
    /// # Errors
    ///
    /// A case that cannot be read.
    fn takes(&self, case: &Case) -> Result<bool, Failure>;

    /// Has a request executed.
    ///
    /// # Errors
    ///
    /// Where neither an outcome nor an error of the contract comes of it.
    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure>;
}

/// The library as the host.
#[derive(Debug)]
pub struct Library {
    /// The component.
    pub executor: Executor,
    /// What stands behind its import.
    pub sidecar: Runtime,
}

impl Way for Library {
    fn takes(&self, _: &Case) -> Result<bool, Failure> {
        Ok(true)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        told(self.call(request))
    }
}

impl Library {
    fn call(&self, request: Request) -> Result<code_executor::Outcome, ExecuteError> {
        runtime().block_on(self.executor.execute(SandboxImport::new(self.sidecar.clone()), request))
    }
}

fn told(result: Result<code_executor::Outcome, ExecuteError>) -> Result<Result<Outcome, Refusal>, Failure> {
    match result {
        Ok(outcome) => Ok(Ok(outcome.into())),
        Err(ExecuteError::Refused(error)) => Ok(Err(error.into())),
        Err(error @ ExecuteError::Guest(_)) => Err(format!("{error:?}").into()),
    }
}

/// The library, in sandboxes that wait.
#[derive(Debug)]
pub struct Warm(pub Library);

impl Way for Warm {
    fn takes(&self, case: &Case) -> Result<bool, Failure> {
        self.0.takes(case)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        for _ in 0..TRIES {
            let can_wait = runtime().block_on(self.0.sidecar.warm_up(kind(&request))).is_ok();
            let result = self.0.call(request.clone());
            // Another case may have taken what waited.
            if !can_wait || result.as_ref().map_or(true, |outcome| outcome.warm) {
                return told(result);
            }
        }
        Err("others always took the sandbox that waited".into())
    }
}

/// A request whose sandbox is like that of this one, and whose program nobody runs.
fn kind(request: &Request) -> types::Request {
    let limits =
        request.limits.as_ref().map_or_else(types::RequestedLimits::default, |limits| types::RequestedLimits {
            cpu_millis: limits.cpu_millis,
            memory_bytes: limits.memory_bytes,
            disk_bytes: limits.disk_bytes,
            processes: limits.processes,
            output_bytes: limits.output_bytes,
            collected_bytes: limits.collected_bytes,
            ..types::RequestedLimits::default()
        });
    types::Request {
        code: "#".into(),
        language: request.language.clone(),
        network: request.network.clone(),
        limits,
        ..types::Request::default()
    }
}
