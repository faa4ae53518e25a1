//! The bare guest component, loaded once and instantiated for each call.

use super::{
    bindings::ExecutorPre,
    bindings::{cofferdam::code_executor::types, exports::cofferdam::code_executor::code_executor::Outcome},
    engine,
    import::{SandboxImport, add_to_linker},
};
use cofferdam_components::BARE;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use wasmtime::{
    Engine, Store, StoreLimits, UpdateDeadline,
    component::{Component, Linker},
};

/// Time that a guest may compute in one call, beside the runs that it waits for.
const MAX_COMPUTING: Duration = Duration::from_secs(20);

/// Calls the guest component. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    engine: Engine,
    guest: ExecutorPre<GuestStore>,
    _alive: Arc<()>,
}

/// The guest component cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("the guest component cannot be loaded: {0}")]
pub struct LoadError(#[from] wasmtime::Error);

/// Why a call gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The contract's own error.
    #[error("{}", .0.message)]
    Refused(types::Error),
    /// The guest broke its bounds or the contract.
    #[error("the guest component failed: {0}")]
    Guest(#[from] wasmtime::Error),
}

struct GuestStore {
    import: SandboxImport,
    limits: StoreLimits,
    called: Instant,
}

impl Executor {
    /// Loads the guest that this library carries, for so many calls at once; one over it is an error.
    ///
    /// # Errors
    ///
    /// [`LoadError`], where wasmtime cannot work on this machine.
    pub fn new(calls: u32) -> Result<Self, LoadError> {
        Self::with_guest(BARE, calls)
    }

    /// Loads a guest of the caller's own, which need not be trusted.
    ///
    /// # Errors
    ///
    /// [`LoadError`] for what is no component of the world `executor`.
    pub fn with_guest(component: &[u8], calls: u32) -> Result<Self, LoadError> {
        let engine = engine::engine(calls)?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker, |store: &mut GuestStore| &mut store.import)?;
        let guest = ExecutorPre::new(linker.instantiate_pre(&component)?)?;
        let alive = Arc::new(());
        engine::tick(&engine, &alive);
        Ok(Self { engine, guest, _alive: alive })
    }

    /// Runs a program through the guest.
    ///
    /// # Errors
    ///
    /// [`ExecuteError`], by whose fault it was.
    pub async fn execute(&self, import: SandboxImport, request: types::Request) -> Result<Outcome, ExecuteError> {
        let mut store = self.store(import);
        let guest = self.guest.instantiate_async(&mut store).await?;
        let executor = guest.cofferdam_code_executor_code_executor();
        executor.call_execute(&mut store, &request).await?.map_err(ExecuteError::Refused)
    }

    /// An outcome as a short text for a model.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Guest`].
    pub async fn render(&self, import: SandboxImport, outcome: &Outcome) -> Result<String, ExecuteError> {
        let mut store = self.store(import);
        let guest = self.guest.instantiate_async(&mut store).await?;
        Ok(guest.cofferdam_code_executor_code_executor().call_render(&mut store, outcome).await?)
    }

    fn store(&self, import: SandboxImport) -> Store<GuestStore> {
        let store = GuestStore { import, limits: engine::store_limits(), called: Instant::now() };
        let mut store = Store::new(&self.engine, store);
        store.limiter(|store| &mut store.limits);
        // Bytes that may be copied between guest and host in one call.
        store.set_hostcall_fuel(engine::MAX_MEMORY);
        store.set_epoch_deadline(1);
        // The clock runs on while a run is waited for, which is not the guest's time.
        store.epoch_deadline_callback(|store| {
            let GuestStore { import, called, .. } = store.data();
            if called.elapsed().saturating_sub(import.waited) > MAX_COMPUTING {
                return Err(wasmtime::format_err!("it computed for longer than {} s", MAX_COMPUTING.as_secs()));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}
