//! The imports of a guest, added to a linker of wasmtime.

use super::{
    bindings::{
        cofferdam::code_executor::{sandbox, types},
        stream::cofferdam::code_executor::sandbox_stream,
    },
    convert,
    ctx::SandboxCtx,
};
use wasmtime::component::{HasSelf, Linker};

/// The data of a store whose guest has the import: it gives access to the [`SandboxCtx`] of the instance.
///
/// ```
/// use cofferdam_component::{SandboxCtx, SandboxView};
///
/// struct Agent {
///     sandbox: SandboxCtx,
/// }
///
/// impl SandboxView for Agent {
///     fn sandbox(&mut self) -> &mut SandboxCtx {
///         &mut self.sandbox
///     }
/// }
/// ```
pub trait SandboxView: Send {
    /// The context of the instance.
    fn sandbox(&mut self) -> &mut SandboxCtx;
}

impl SandboxView for SandboxCtx {
    fn sandbox(&mut self) -> &mut SandboxCtx {
        self
    }
}

/// Adds `cofferdam:code-executor/sandbox` and `sandbox-stream` to a linker.
///
/// # Errors
///
/// The linker already has one of these interfaces.
pub fn add_to_linker<T: SandboxView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_only_sandbox_to_linker(linker)?;
    sandbox_stream::add_to_linker::<T, HasSelf<SandboxCtx>>(linker, T::sandbox)
}

/// Adds only `cofferdam:code-executor/sandbox`, whose one function waits until the program has ended.
///
/// # Errors
///
/// The linker already has the interface.
pub fn add_only_sandbox_to_linker<T: SandboxView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, HasSelf<SandboxCtx>>(linker, T::sandbox)?;
    sandbox::add_to_linker::<T, HasSelf<SandboxCtx>>(linker, T::sandbox)
}

impl types::Host for SandboxCtx {}

impl sandbox::Host for SandboxCtx {
    async fn run(&mut self, request: types::Request) -> Result<sandbox::Report, types::Error> {
        let result = SandboxCtx::run(self, convert::request(request)).await;
        result.map(convert::report).map_err(convert::error)
    }
}

impl sandbox_stream::Host for SandboxCtx {
    async fn start(&mut self, request: types::Request) -> Result<String, types::Error> {
        SandboxCtx::start(self, convert::request(request)).await.map_err(convert::error)
    }

    async fn next(&mut self, id: String) -> Result<sandbox_stream::Event, types::Error> {
        SandboxCtx::next(self, &id).await.map_err(convert::error)
    }

    async fn cancel(&mut self, id: String) -> Result<(), types::Error> {
        SandboxCtx::cancel(self, &id).map_err(convert::error)
    }
}
