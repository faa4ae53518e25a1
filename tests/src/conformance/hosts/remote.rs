//! The wasmtime crate with a client of a sidecar.

use super::SidecarUrl;
use crate::{
    cluster::runtime,
    conformance::{Case, ContractError, Driver, Failure, Outcome, driver::into_result},
};
use cofferdam::client::{Address, Client};
use cofferdam_component::{Executor, SandboxCtx, types::Request};

/// A Rust program that embeds wasmtime.
#[derive(Debug)]
pub struct Remote {
    executor: Executor,
    sidecar: SidecarUrl,
}

impl Remote {
    /// A driver that uses this sidecar.
    ///
    /// # Errors
    ///
    /// The component cannot be loaded.
    pub fn new(sidecar: SidecarUrl) -> Result<Self, Failure> {
        Ok(Self { executor: Executor::new(8)?, sidecar })
    }
}

impl Driver for Remote {
    fn supports(&self, _: &Case) -> Result<bool, Failure> {
        Ok(true)
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        let client = Client::new(self.sidecar.get().parse::<Address>()?, None);
        into_result(runtime().block_on(self.executor.execute(SandboxCtx::new(client), request)))
    }
}
