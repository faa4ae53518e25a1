//! What is written to the cluster. Pure.

#[cfg(test)]
mod golden;
mod identity;
mod overlay;
mod pod;
mod program;
mod runner;
mod workload;

pub(super) use identity::{EXPIRES, Identity, MANAGED_BY, NETWORK, PROCESS, RUN, SIDECAR};
#[cfg(any(test, fuzzing))]
pub use overlay::hardened::overlay;
pub(super) use pod::{CONTAINER, memory as pod_memory, template};
pub(super) use program::config_maps;
pub(super) use runner::{config_map as runner_config_map, name as runner_name};
pub(super) use workload::{TTL, job, pod};
