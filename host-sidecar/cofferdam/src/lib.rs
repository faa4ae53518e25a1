//! Runs untrusted code in gVisor sandboxes, on this machine or in a Kubernetes cluster.
//!
//! Each part is a crate of its own, and a feature of this one: `local` and `kubernetes` are the backends, `component` is the import
//! of the guest component for hosts that embed wasmtime, `client` calls a sidecar over HTTP, and `server` is the sidecar's HTTP API.
//! The feature `cli`, on by default, is the program `cofferdam`.

pub use cofferdam_core as core;
pub use cofferdam_core::Runtime;
pub use cofferdam_types as types;

#[cfg(feature = "client")]
pub use cofferdam_client as client;
#[cfg(feature = "component")]
pub use cofferdam_component as component;
#[cfg(feature = "kubernetes")]
pub use cofferdam_kubernetes as kubernetes;
#[cfg(feature = "local")]
pub use cofferdam_local as local;
#[cfg(feature = "server")]
pub use cofferdam_server as server;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "config")]
pub mod config;
#[cfg(all(feature = "config", fuzzing))]
pub mod fuzzing;
#[cfg(feature = "config")]
mod setup;

#[cfg(feature = "config")]
pub use setup::SetupError;
