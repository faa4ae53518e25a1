//! gVisor sandboxes in a Kubernetes cluster: a Job with its Pod for each execution, and ConfigMaps with its
//! program.
//!
//! | module | content |
//! |---|---|
//! | `backend` | [`KubernetesBackend`] |
//! | `execution` | one execution from its creation to its result; prewarmed Pods |
//! | `watch` | the observed state of Pods and events |
//! | `cleanup` | deletes what executions have created |
//! | `manifest` | the objects that are created; the operator's overlay |
//! | `connection` | which cluster, and the connection to it |
//! | `api` | requests to the API server and their errors |
//! | [`install`] | the manifests that an operator applies once |
//! | [`doctor`] | examines a cluster |

mod api;
mod backend;
mod cleanup;
pub mod config;
mod connection;
pub mod doctor;
mod error;
mod execution;
pub mod install;
mod manifest;
mod watch;

pub use backend::KubernetesBackend;
pub use cleanup::collect_garbage;
pub use config::{KubernetesConfig, Network, Toleration, Workload};
pub use error::{GarbageError, SetupError};
#[cfg(any(test, fuzzing))]
pub use {
    manifest::overlay,
    watch::invariants::{events, pods},
};
