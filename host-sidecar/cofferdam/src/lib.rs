//! Runs untrusted code in gVisor sandboxes, on this machine or in a Kubernetes cluster.
//!
#![cfg_attr(feature = "config", doc = "```no_run")]
#![cfg_attr(not(feature = "config"), doc = "```ignore")]
//! use cofferdam::{config::Settings, core::NoObserver, types::Request};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Settings::default().runtime()?;
//! let request = Request { code: "print(6*7)".into(), ..Request::default() };
//! let report = runtime.run(request, &Default::default(), &NoObserver).await?;
//! assert_eq!(report.stdout.bytes, b"42\n");
//! # Ok(())
//! # }
//! ```
//!
//! Each part is a crate, and a feature of this one:
//!
//! | feature | part |
//! |---|---|
//! | `local`, `kubernetes` | the backends |
//! | `images` | OCI images as root file systems of sandboxes on this machine |
//! | `component` | the import of the guest component, for hosts that embed wasmtime |
//! | `client` | a client of a sidecar over HTTP |
//! | `server` | the HTTP API and the MCP tools of a sidecar |
//! | `config` | settings, and the runtime that they describe |
//! | `cli` (default) | the program `cofferdam` |

pub use cofferdam_core as core;
pub use cofferdam_core::Runtime;
pub use cofferdam_types as types;

#[cfg(feature = "client")]
pub use cofferdam_client as client;
#[cfg(feature = "component")]
pub use cofferdam_component as component;
#[cfg(feature = "images")]
pub use cofferdam_images as images;
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
#[cfg(feature = "images")]
mod image_store;
#[cfg(feature = "config")]
mod setup;

#[cfg(feature = "images")]
pub use image_store::{ImageChoice, ImageStore, PullLimits};
#[cfg(feature = "config")]
pub use setup::SetupError;
