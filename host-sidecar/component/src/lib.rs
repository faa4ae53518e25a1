//! The guest component under wasmtime: its engine, its imports, its bounds.

mod bindings;
mod convert;
mod engine;
mod executor;
mod following;
mod import;
mod supplier;

pub use bindings::{
    Executor as Guest,
    cofferdam::code_executor::{sandbox, types},
    exports::cofferdam::code_executor::code_executor,
    stream::{
        ExecutorStream as StreamGuest, cofferdam::code_executor::sandbox_stream,
        exports::cofferdam::code_executor::code_executor_stream,
    },
};
pub use cofferdam_components::{BARE, COMPOSED, STREAM};
pub use executor::{ExecuteError, Executor, LoadError};
pub use import::{SandboxImport, add_to_linker};
