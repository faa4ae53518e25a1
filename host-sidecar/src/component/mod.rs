//! The guest component under wasmtime: its engine, its import, its bounds.

mod artifacts;
mod bindings;
mod convert;
mod engine;
mod executor;
mod import;

pub use artifacts::{BARE, COMPOSED};
pub use bindings::{
    Executor as Guest,
    cofferdam::code_executor::{sandbox, types},
    exports::cofferdam::code_executor::code_executor,
};
pub use executor::{ExecuteError, Executor, LoadError};
pub use import::{SandboxImport, add_to_linker};
