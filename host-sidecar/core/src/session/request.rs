//! What a caller wants of a session, and what a session is.

use cofferdam_types::{Limits, RequestedLimits};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, SystemTime},
};

/// What a caller wants of a session. The policy checks it against the operator's ceilings: what is above one is
/// refused, not lowered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionRequest {
    /// The caller's own name, 1 to 128 of `A-Z a-z 0-9 . _ -`. If the tenant has a session of this name, that one is
    /// meant.
    pub name: Option<String>,
    /// Name of a language in the operator's table: that of code which names none, and of the image.
    pub language: Option<String>,
    /// Name of an image, instead of that of the language.
    pub image: Option<String>,
    /// Name of a network profile.
    pub network: Option<String>,
    /// Limits of the sandbox. Wall time and output are the defaults of its executions.
    pub limits: RequestedLimits,
    /// Environment variables of every execution.
    pub env: Vec<(String, String)>,
    /// Working directory of every execution; a relative one begins at `/work`, the default. It is made if it does not
    /// exist.
    pub working_dir: Option<String>,
    /// The caller's own names and values, at most [`MAX_METADATA`] bytes together.
    pub metadata: BTreeMap<String, String>,
    /// Time until it expires. It can be moved, up to the maximum lifetime.
    pub timeout: Option<Duration>,
    /// Longest time from its creation to its end.
    pub max_lifetime: Option<Duration>,
    /// Time without an execution or a request after which it ends.
    pub idle_timeout: Option<Duration>,
}

/// Bytes of the names and values of a session's metadata together.
pub const MAX_METADATA: usize = 16 << 10;

/// What is changed of a session. What is not set stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionUpdate {
    /// It expires this time from now.
    pub timeout: Option<Duration>,
    /// Time without an execution or a request after which it ends.
    pub idle_timeout: Option<Duration>,
    /// Replaces the metadata.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// What a session is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id: unguessable, and a DNS label.
    pub id: String,
    /// The caller's own name.
    pub name: Option<String>,
    /// Its language.
    pub language: String,
    /// Its image; none: the backend's default.
    pub image: Option<String>,
    /// The caller's own names and values.
    pub metadata: BTreeMap<String, String>,
    /// When it was created.
    pub created: SystemTime,
    /// When it ends, unless that is moved.
    pub expires: SystemTime,
    /// The latest time to which its end can be moved.
    pub ends_at_most: SystemTime,
    /// Time without an execution or a request after which it ends.
    pub idle_timeout: Duration,
    /// Working directory of its executions.
    pub working_dir: String,
    /// Its limits.
    pub limits: Limits,
    /// Executions that run now.
    pub executions: usize,
    /// Whether its sandbox was prewarmed.
    pub warm: bool,
}

/// Why a session is gone. Calls on it are answered with this for a while, to its tenant only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// A caller closed it.
    Closed,
    /// Its time was over.
    Expired,
    /// It was idle for too long.
    Idle,
    /// It was lost, with everything in it.
    Lost(LostReason),
}

/// Why a session was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// Its sandbox was evicted from its node, or somebody deleted it.
    Evicted,
    /// The node of its sandbox is gone, or does not answer.
    NodeLost,
    /// Its sandbox as a whole exceeded its memory.
    OutOfMemory,
    /// The runner, the first process of its sandbox, is gone.
    RunnerGone,
    /// The runner does not answer.
    NotResponding,
    /// The runner violated the protocol.
    ProtocolViolated,
    /// Processes of an execution survived their kill.
    Unkillable,
    /// No sidecar was connected to it for too long.
    Unattended,
    /// The sidecar ends.
    SidecarEnds,
}

/// Completes a sentence that begins with the session.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "was closed",
            Self::Expired => "has expired",
            Self::Idle => "was idle for longer than its idle timeout",
            Self::Lost(LostReason::Evicted) => "is lost: its sandbox was evicted",
            Self::Lost(LostReason::NodeLost) => "is lost: the node of its sandbox does not answer",
            Self::Lost(LostReason::OutOfMemory) => "is lost: its sandbox ran out of memory",
            Self::Lost(LostReason::RunnerGone) => "is lost: its sandbox died",
            Self::Lost(LostReason::NotResponding) => "is lost: its sandbox did not respond",
            Self::Lost(LostReason::ProtocolViolated) => "is lost: its sandbox violated the protocol",
            Self::Lost(LostReason::Unkillable) => "is lost: processes of an execution survived their kill",
            Self::Lost(LostReason::Unattended) => "is lost: no sidecar was connected to it for too long",
            Self::Lost(LostReason::SidecarEnds) => "is lost: the sidecar ended",
        })
    }
}
