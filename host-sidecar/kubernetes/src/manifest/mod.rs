//! The objects that executions create. Pure.

#[cfg(test)]
mod golden;
mod identity;
mod overlay;
mod pod;
mod process;
mod program;
mod runner;
mod workload;

pub(crate) use identity::{
    EXECUTION_LABEL, EXPIRES_ANNOTATION, Identity, MANAGED_BY_LABEL, NETWORK_LABEL, PROCESS_ANNOTATION,
    SIDECAR_LABEL, SessionMetadata,
};
#[cfg(any(test, fuzzing))]
pub use overlay::invariants::overlay;
pub(crate) use pod::{CONTAINER, Source, memory as pod_memory, relay_command, template};
pub(crate) use process::Process;
pub(crate) use program::config_maps;
pub(crate) use runner::{config_map as runner_config_map, name as runner_name};
pub(crate) use workload::{TTL, job, pod};
