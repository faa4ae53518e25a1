//! Calls the guest component: it is loaded once and instantiated for each call.

use super::{
    bindings::{
        ExecutorPre, cofferdam::code_executor::types,
        exports::cofferdam::code_executor::code_executor::Outcome,
    },
    computing_time::{ComputingTime, Epochs},
    ctx::SandboxCtx,
    engine,
    linker::{SandboxView, add_to_linker},
};
use cofferdam_components::BARE;
use std::time::Duration;
use wasmtime::{
    Engine, Store, StoreLimits,
    component::{Component, Linker},
};

/// Maximum computing time of a guest in one call. Waiting for executions does not count.
const MAX_COMPUTING_TIME: Duration = Duration::from_secs(20);

/// Calls the guest component, limits its memory and its computing time. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    engine: Engine,
    guest: ExecutorPre<GuestStore>,
    epochs: Epochs,
}

/// wasmtime cannot load the guest component.
#[derive(Debug, thiserror::Error)]
#[error("the guest component cannot be loaded: {0}")]
pub struct LoadError(#[from] wasmtime::Error);

/// Why a call returned no outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// An error of the contract: the program was not run, or its result is unknown.
    #[error("{}", .0.message)]
    Refused(types::Error),
    /// The guest trapped, exceeded a limit or violated the contract.
    #[error("the guest component failed: {0}")]
    Guest(#[from] wasmtime::Error),
}

struct GuestStore {
    sandbox: SandboxCtx,
    limits: StoreLimits,
}

impl SandboxView for GuestStore {
    fn sandbox(&mut self) -> &mut SandboxCtx {
        &mut self.sandbox
    }
}

impl Executor {
    /// Loads the guest that this library contains. At most `max_calls` calls may run at once; one more is an
    /// error.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if wasmtime does not support this machine.
    pub fn new(max_calls: u32) -> Result<Self, LoadError> {
        Self::with_guest(BARE, max_calls)
    }

    /// Loads another guest, which may be untrusted.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a component of the world `executor`.
    pub fn with_guest(component: &[u8], max_calls: u32) -> Result<Self, LoadError> {
        let engine = engine::engine(max_calls)?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker)?;
        let guest = ExecutorPre::new(linker.instantiate_pre(&component)?)?;
        let epochs = Epochs::start(&engine).map_err(wasmtime::Error::from)?;
        Ok(Self { engine, guest, epochs })
    }

    /// Executes a program through the guest.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Refused`] for an error of the contract, and [`ExecuteError::Guest`] if the guest
    /// fails.
    pub async fn execute(
        &self,
        sandbox: SandboxCtx,
        request: types::Request,
    ) -> Result<Outcome, ExecuteError> {
        let (mut store, computing_time) = self.store(sandbox);
        let call = async {
            let guest = self.guest.instantiate_async(&mut store).await?;
            let executor = guest.cofferdam_code_executor_code_executor();
            executor.call_execute(&mut store, &request).await
        };
        computing_time.measure(call).await?.map_err(ExecuteError::Refused)
    }

    /// Summarizes an outcome in a short text for a model.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Guest`] if the guest fails.
    pub async fn render(&self, sandbox: SandboxCtx, outcome: &Outcome) -> Result<String, ExecuteError> {
        let (mut store, computing_time) = self.store(sandbox);
        let call = async {
            let guest = self.guest.instantiate_async(&mut store).await?;
            guest.cofferdam_code_executor_code_executor().call_render(&mut store, outcome).await
        };
        Ok(computing_time.measure(call).await?)
    }

    fn store(&self, sandbox: SandboxCtx) -> (Store<GuestStore>, ComputingTime) {
        let store = GuestStore { sandbox, limits: engine::store_limits() };
        let mut store = Store::new(&self.engine, store);
        store.limiter(|store| &mut store.limits);
        // Maximum number of bytes copied from the guest in one call.
        store.set_hostcall_fuel(engine::MAX_MEMORY);
        let computing_time = self.epochs.limit(&mut store, MAX_COMPUTING_TIME);
        (store, computing_time)
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}
