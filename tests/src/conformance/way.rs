//! The ways by which a case's request reaches a sandbox.

use super::{Case, Failure, Outcome, Refusal};
use crate::cluster::runtime;
use cofferdam::{
    Sidecar,
    component::{ExecuteError, Executor, SandboxImport, types::Request},
};

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
    pub sidecar: Sidecar,
}

impl Way for Library {
    fn takes(&self, _: &Case) -> Result<bool, Failure> {
        Ok(true)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, Refusal>, Failure> {
        match runtime().block_on(self.executor.execute(SandboxImport::new(self.sidecar.clone()), request)) {
            Ok(outcome) => Ok(Ok(outcome.into())),
            Err(ExecuteError::Refused(error)) => Ok(Err(error.into())),
            Err(error @ ExecuteError::Guest(_)) => Err(format!("{error:?}").into()),
        }
    }
}
