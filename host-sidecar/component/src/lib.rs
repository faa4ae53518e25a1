//! # The sandbox import for hosts that embed wasmtime
//!
//! A guest component of Cofferdam exports `code-executor` and imports
//! [`cofferdam:code-executor/sandbox`](sandbox). This crate implements that import for [`wasmtime`]: each
//! call becomes an execution of a [`Runtime`](cofferdam_core::Runtime), which applies the operator's policy
//! and executes the program in a gVisor sandbox of its backend. No sidecar process is needed.
//!
//! # Interfaces
//!
//! * [`cofferdam:code-executor/sandbox`](sandbox): one function that executes a program and waits until it
//!   has ended;
//! * [`cofferdam:code-executor/sandbox-stream`](sandbox_stream): functions that start an execution, read its
//!   events and cancel it.
//!
//! [`Guest`] and [`StreamGuest`] are the bindings of guests that import the first, or both. [`BARE`] and
//! [`STREAM`] are such guests, ready to be loaded.
//!
//! # The traits `SandboxView` and `SandboxHooks`
//!
//! The imports are implemented for [`SandboxCtx`], the state of one guest instance. [`SandboxCtx::builder`]
//! sets how many executions the instance may request, a token that cancels them, an observer of their phases
//! and output, and hooks. [`SandboxView`] gets the context from the data `T` of a [`wasmtime::Store<T>`].
//!
//! [`SandboxHooks`] are decisions of the host for which a policy is not enough: [`SandboxHooks::authorize`]
//! accepts or refuses a request before it reaches the policy, and [`SandboxHooks::on_finished`] receives its
//! result, for instance to count the executions of a user. All methods have defaults.
//!
//! # Async
//!
//! All functions are asynchronous and need [`tokio`]. A host without an asynchronous runtime calls
//! `block_on`.
//!
//! # Features
//!
//! * `client`: a [`Target`] may be a sidecar in another process, called over HTTP by a
//!   `cofferdam_client::Client`. Not enabled by default.
//!
//! # Examples
//!
//! 1. Implement [`SandboxView`] for the `T` of your [`wasmtime::Store<T>`].
//! 2. Add the imports to a [`wasmtime::component::Linker<T>`]: [`add_to_linker`] adds both interfaces,
//!    [`add_only_sandbox_to_linker`] adds `sandbox` only. Add the imports of your own component too, if it
//!    has others.
//! 3. Create one [`Runtime`](cofferdam_core::Runtime) for the process. A clone of it is cheap.
//! 4. For each instance, create a store with a [`SandboxCtx`], instantiate the component and call it.
//! 5. Before the process exits, [`Runtime::drain`](cofferdam_core::Runtime::drain) waits until all
//!    sandboxes are deleted.
//!
//! A host without a component of its own calls [`Executor`] instead, which does steps 1, 2 and 4 with the
//! guest of this crate, and limits its memory and its computing time.
//!
//! A complete program:
//!
//! ```no_run
//! use cofferdam::{
//!     Runtime,
//!     core::policy::Policy,
//!     local::{LocalBackend, LocalConfig},
//!     types::{Error, ErrorCode, Report, Request},
//! };
//! use cofferdam_component::{
//!     BARE, Guest, SandboxCtx, SandboxHooks, SandboxView, add_only_sandbox_to_linker, types,
//! };
//! use std::sync::Arc;
//! use wasmtime::{
//!     Engine, Store,
//!     component::{Component, Linker},
//! };
//!
//! /// The data of a store.
//! struct Agent {
//!     sandbox: SandboxCtx,
//! }
//!
//! impl SandboxView for Agent {
//!     fn sandbox(&mut self) -> &mut SandboxCtx {
//!         &mut self.sandbox
//!     }
//! }
//!
//! /// Refuses all languages but Python, and logs results.
//! #[derive(Debug)]
//! struct PythonOnly;
//!
//! impl SandboxHooks for PythonOnly {
//!     fn authorize(&self, request: &Request) -> Result<(), Error> {
//!         match request.language.as_deref() {
//!             None | Some("python") => Ok(()),
//!             Some(_) => Err(Error::new(ErrorCode::Denied, "this agent may execute Python only")),
//!         }
//!     }
//!
//!     fn on_finished(&self, result: &Result<Report, Error>) {
//!         match result {
//!             Ok(report) => eprintln!("{}: {:?}", report.id, report.status),
//!             Err(error) => eprintln!("failed: {error}"),
//!         }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let engine = Engine::default();
//!     let component = Component::new(&engine, BARE)?;
//!     let mut linker: Linker<Agent> = Linker::new(&engine);
//!     add_only_sandbox_to_linker(&mut linker)?;
//!
//!     // One runtime for the process.
//!     let backend = LocalBackend::new(&LocalConfig::default())?;
//!     let runtime = Runtime::new(Policy::default(), Arc::new(backend));
//!
//!     // One context, store and instance for each task of the agent.
//!     let sandbox = SandboxCtx::builder(runtime.clone()).max_executions(10);
//!     let sandbox = sandbox.hooks(Arc::new(PythonOnly)).build();
//!     let mut store = Store::new(&engine, Agent { sandbox });
//!     let guest = Guest::instantiate_async(&mut store, &component, &linker).await?;
//!     let executor = guest.cofferdam_code_executor_code_executor();
//!     match executor.call_execute(&mut store, &types::Request::new("print(6*7)")).await? {
//!         Ok(outcome) => print!("{}", outcome.stdout.text),
//!         Err(error) => eprintln!("{}", error.message),
//!     }
//!
//!     runtime.drain().await;
//!     Ok(())
//! }
//! ```

mod bindings;
mod computing_time;
mod convert;
mod ctx;
mod engine;
mod executor;
mod hooks;
mod linker;
mod streamed_execution;
mod target;
#[cfg(test)]
mod tests;

pub use bindings::{
    Executor as Guest,
    cofferdam::code_executor::{sandbox, types},
    exports::cofferdam::code_executor::code_executor,
    stream::{
        ExecutorStream as StreamGuest, cofferdam::code_executor::sandbox_stream,
        exports::cofferdam::code_executor::code_executor_stream,
    },
};
pub use cofferdam_components::{BARE, COMPOSED, STREAM, TOOL};
pub use computing_time::{ComputingTime, Epochs};
pub use ctx::{SandboxCtx, SandboxCtxBuilder};
pub use engine::compile_cache;
pub use executor::{ExecuteError, Executor, LoadError};
pub use hooks::SandboxHooks;
pub use linker::{SandboxView, add_only_sandbox_to_linker, add_to_linker};
pub use target::Target;
