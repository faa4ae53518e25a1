//! The native side of Cofferdam: it runs a program that nobody has read in a sandbox that exists for that one run.
//!
//! An agent host that embeds wasmtime adds the import `cofferdam:code-executor/sandbox`, and `sandbox-stream` beside it, to its
//! own linker with [`component::add_to_linker`]; one that has no component of its own calls [`component::Executor`]. Both reach a
//! [`Sidecar`]: a [`policy::Policy`], which turns a request into a plan or refuses it, and a
//! [`sandbox::Backend`], which carries the plan out.

pub mod cli;
pub mod component;
pub mod config;
pub mod execution;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod policy;
mod programs;
mod regular_file;
mod remote;
pub mod sandbox;
pub mod serve;
mod sidecar;
mod telemetry;
mod user_folders;

pub use remote::{Address, MalformedAddress, RemoteSidecar};
pub use sidecar::{SetupError, Sidecar};
