//! What a session is and what it uses.

use crate::object::object;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use cofferdam_types::RequestedLimits;
use serde::{Deserialize, Serialize};

/// A session of this caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Identifies it in paths, and in the operator's logs. It cannot be guessed.
    pub id: String,
    /// The caller's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The language whose image it has.
    pub language: String,
    /// The image that its caller has chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The caller's own data.
    pub metadata: BTreeMap<String, String>,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it ends, in milliseconds since 1970. `PATCH` moves this.
    pub expires_ms: u64,
    /// When it ends in any case, in milliseconds since 1970.
    pub ends_at_most_ms: u64,
    /// Milliseconds without an execution and without a request after which it ends.
    pub idle_timeout_ms: u64,
    /// The working directory of its executions.
    pub working_dir: String,
    /// Its limits; those of wall time and output are the defaults of its executions.
    #[serde(deserialize_with = "object")]
    pub limits: RequestedLimits,
    /// Executions that are running.
    pub executions: usize,
    /// Whether its sandbox was prewarmed.
    pub warm: bool,
}

/// Sessions of this caller, sorted by their creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// All that match.
    pub sessions: Vec<Session>,
}

/// What a session uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Bytes of memory of all its processes.
    pub memory_bytes: u64,
    /// Bytes of its disk.
    pub disk_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// Processor time of its processes so far, in milliseconds.
    pub cpu_time_ms: u64,
}
