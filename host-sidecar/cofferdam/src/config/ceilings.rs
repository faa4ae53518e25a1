//! The operator's ceilings.

use cofferdam_core::{
    policy::Limits,
    quantity::{Bytes, Cpu, Seconds},
};
use serde::{Deserialize, Serialize};

/// The highest limits that a request may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    /// Time from a program's start to its end, in seconds.
    pub timeout_seconds: Seconds,
    /// Time from a request to the program's start, in seconds.
    pub startup_timeout_seconds: Seconds,
    /// Processors; none: all of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<Cpu>,
    /// Amount of memory.
    pub mem_limit: Bytes,
    /// Size of all writable directories together.
    pub disk_limit: Bytes,
    /// Number of processes and threads alive at once.
    pub process_limit: u32,
    /// Number of bytes kept of each output stream.
    pub output_limit: Bytes,
    /// Number of files that are returned.
    pub collected_files: u32,
    /// Size of all files that are returned.
    pub collected_limit: Bytes,
}

impl Default for Ceilings {
    fn default() -> Self {
        let limits = Limits::default_ceilings();
        Self {
            timeout_seconds: Seconds(limits.wall_time),
            startup_timeout_seconds: Seconds(limits.startup_time),
            cpu_limit: None,
            mem_limit: Bytes(limits.memory_bytes),
            disk_limit: Bytes(limits.disk_bytes),
            process_limit: limits.processes,
            output_limit: Bytes(limits.output_bytes),
            collected_files: limits.collected_files,
            collected_limit: Bytes(limits.collected_bytes),
        }
    }
}

impl Ceilings {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            wall_time: self.timeout_seconds.0,
            startup_time: self.startup_timeout_seconds.0,
            cpu_millis: self.cpu_limit.map(|cpu| cpu.0),
            memory_bytes: self.mem_limit.0,
            disk_bytes: self.disk_limit.0,
            processes: self.process_limit,
            output_bytes: self.output_limit.0,
            collected_files: self.collected_files,
            collected_bytes: self.collected_limit.0,
        }
    }
}
