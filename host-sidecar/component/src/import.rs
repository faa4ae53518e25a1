//! The guest's imports, bound to a sidecar.

use super::{
    bindings::{cofferdam::code_executor::sandbox, stream::cofferdam::code_executor::sandbox_stream},
    convert,
    following::Following,
    supplier::Supplier,
};
use cofferdam_client::Client;
use cofferdam_core::{NoObserver, Observer, Runtime};
use cofferdam_types::{Error, ErrorCode};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use wasmtime::component::{HasSelf, Linker};

/// What a store holds so that its guest can have programs run: one for each instance. Dropping it cancels what the guest has
/// started and not seen the end of; [`Sidecar::settle`] waits until that is gone.
#[derive(Debug)]
pub struct SandboxImport {
    supplier: Supplier,
    cancelled: CancellationToken,
    observer: Arc<dyn Observer>,
    /// Runs that the guest may still ask for.
    left: u32,
    /// Those that it has started and not seen the end of.
    following: HashMap<String, Following>,
    /// Time that the guest has waited for its runs: not its own.
    pub(super) waited: Duration,
}

impl SandboxImport {
    /// Lets the guest have one program run.
    #[must_use]
    pub fn new(sidecar: Runtime) -> Self {
        Self::of(Supplier::Here(sidecar))
    }

    /// Lets the guest have one program run by a sidecar that runs elsewhere.
    #[must_use]
    pub fn remote(sidecar: Client) -> Self {
        Self::of(Supplier::Elsewhere(sidecar))
    }

    fn of(supplier: Supplier) -> Self {
        Self {
            supplier,
            cancelled: CancellationToken::new(),
            observer: Arc::new(NoObserver),
            left: 1,
            following: HashMap::new(),
            waited: Duration::ZERO,
        }
    }

    /// Lets it have so many in all. A guest that can follow runs may have all of them at once.
    #[must_use]
    pub fn with_runs(mut self, runs: u32) -> Self {
        self.left = runs;
        self
    }

    /// Gives up the programs that run when `cancelled` is set.
    #[must_use]
    pub fn with_cancellation(mut self, cancelled: CancellationToken) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// Tells `observer` of each run.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }
}

impl SandboxImport {
    fn take_a_run(&mut self) -> Result<(), Error> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Error::new(ErrorCode::Denied, "this component has had all the runs that its host allows it")
        })?;
        Ok(())
    }

    async fn start(&mut self, request: sandbox::Request) -> Result<String, Error> {
        self.take_a_run()?;
        let request = convert::request(request);
        let called = Instant::now();
        let started =
            Following::start(&self.supplier, request, self.cancelled.child_token(), self.observer.clone()).await;
        self.waited += called.elapsed();
        let (id, following) = started?;
        self.following.insert(id.clone(), following);
        Ok(id)
    }

    async fn next(&mut self, id: &str) -> Result<sandbox_stream::Event, Error> {
        let following = self.following.get_mut(id).ok_or_else(unknown)?;
        let called = Instant::now();
        let event = following.next().await;
        self.waited += called.elapsed();
        if matches!(event, Err(_) | Ok(sandbox_stream::Event::Ended(_))) {
            self.following.remove(id);
        }
        event
    }
}

fn unknown() -> Error {
    let text = "there is no run of this id that this instance has started and whose end it has not been told";
    Error::new(ErrorCode::InvalidRequest, text)
}

impl super::bindings::cofferdam::code_executor::types::Host for SandboxImport {}

impl sandbox::Host for SandboxImport {
    async fn run(&mut self, request: sandbox::Request) -> Result<sandbox::Report, sandbox::Error> {
        self.take_a_run().map_err(convert::error)?;
        let called = Instant::now();
        let result = self.supplier.run(convert::request(request), &self.cancelled, &*self.observer).await;
        self.waited += called.elapsed();
        result.map(convert::report).map_err(convert::error)
    }
}

impl sandbox_stream::Host for SandboxImport {
    async fn start(&mut self, request: sandbox::Request) -> Result<String, sandbox::Error> {
        SandboxImport::start(self, request).await.map_err(convert::error)
    }

    async fn next(&mut self, id: String) -> Result<sandbox_stream::Event, sandbox::Error> {
        SandboxImport::next(self, &id).await.map_err(convert::error)
    }

    async fn cancel(&mut self, id: String) -> Result<(), sandbox::Error> {
        self.following.get(&id).map(Following::cancel).ok_or_else(|| convert::error(unknown()))
    }
}

/// Adds `cofferdam:code-executor/sandbox` and `sandbox-stream` to the linker of an embedder, whose store holds a
/// [`SandboxImport`].
///
/// # Errors
///
/// What wasmtime says, for a name that is already there.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    import: fn(&mut T) -> &mut SandboxImport,
) -> wasmtime::Result<()> {
    super::bindings::cofferdam::code_executor::types::add_to_linker::<T, HasSelf<SandboxImport>>(linker, import)?;
    sandbox::add_to_linker::<T, HasSelf<SandboxImport>>(linker, import)?;
    sandbox_stream::add_to_linker::<T, HasSelf<SandboxImport>>(linker, import)
}
