//! The guest's one import, bound to a sidecar.

use super::{bindings::cofferdam::code_executor::sandbox, convert};
use crate::{
    Sidecar,
    execution::{Error, ErrorCode},
    sandbox::{NoObserver, Observer},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use wasmtime::component::{HasSelf, Linker};

/// What a store holds so that its guest can have programs run: one for each instance.
#[derive(Debug)]
pub struct SandboxImport {
    sidecar: Sidecar,
    cancelled: CancellationToken,
    observer: Arc<dyn Observer>,
    /// Runs that the guest may still ask for.
    left: u32,
    /// Time that the guest has waited for its runs: not its own.
    pub(super) waited: Duration,
}

impl SandboxImport {
    /// Lets the guest have one program run.
    #[must_use]
    pub fn new(sidecar: Sidecar) -> Self {
        Self {
            sidecar,
            cancelled: CancellationToken::new(),
            observer: Arc::new(NoObserver),
            left: 1,
            waited: Duration::ZERO,
        }
    }

    /// Lets it have so many, one after the other.
    #[must_use]
    pub fn with_runs(mut self, runs: u32) -> Self {
        self.left = runs;
        self
    }

    /// Gives up the program that runs when `cancelled` is set.
    #[must_use]
    pub fn with_cancellation(mut self, cancelled: CancellationToken) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// Tells `observer` of each phase.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }
}

impl super::bindings::cofferdam::code_executor::types::Host for SandboxImport {}

impl sandbox::Host for SandboxImport {
    async fn run(&mut self, request: sandbox::Request) -> Result<sandbox::Report, sandbox::Error> {
        let Some(left) = self.left.checked_sub(1) else {
            let error = Error::new(ErrorCode::Denied, "this component has had all the runs that its host allows it");
            return Err(convert::error(error));
        };
        self.left = left;
        let called = Instant::now();
        let result = self.sidecar.run(convert::request(request), &self.cancelled, &*self.observer).await;
        self.waited += called.elapsed();
        result.map(convert::report).map_err(convert::error)
    }
}

/// Adds `cofferdam:code-executor/sandbox` to the linker of an embedder, whose store holds a [`SandboxImport`].
///
/// # Errors
///
/// What wasmtime says, for a name that is already there.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    import: fn(&mut T) -> &mut SandboxImport,
) -> wasmtime::Result<()> {
    super::bindings::cofferdam::code_executor::types::add_to_linker::<T, HasSelf<SandboxImport>>(linker, import)?;
    sandbox::add_to_linker::<T, HasSelf<SandboxImport>>(linker, import)
}
