//! The events of an execution of a session.

use super::{ExecutionEnd, SessionExecution};
use crate::{Bytes, Problem};
use serde::{Deserialize, Serialize};

/// An event of an execution of a session: the data of a server-sent event. The event's name is that of the first
/// member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SessionEvent {
    /// The execution. This is the first event.
    Accepted {
        /// Its state now.
        accepted: SessionExecution,
    },
    /// Bytes of its standard output.
    Stdout {
        /// The bytes.
        stdout: Bytes,
        /// The number of bytes, of both streams together, before these.
        position: u64,
    },
    /// Bytes of its standard error.
    Stderr {
        /// The bytes.
        stderr: Bytes,
        /// The number of bytes, of both streams together, before these.
        position: u64,
    },
    /// Bytes that are missing here, since the sidecar does not keep them any longer.
    Gap {
        /// Their number.
        gap: u64,
    },
    /// A stream has reached the limit of output: no more bytes of it follow. The report has the last ones.
    Truncated {
        /// The stream.
        truncated: StreamName,
    },
    /// The execution has ended. This is the last event.
    Ended {
        /// How.
        ended: ExecutionEnd,
    },
    /// How the execution ended is not known, since its session is gone. This is the last event.
    Failed {
        /// The reason.
        failed: Problem,
    },
}

/// One of the two streams of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StreamName {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl SessionEvent {
    /// The name of the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Stdout { .. } => "stdout",
            Self::Stderr { .. } => "stderr",
            Self::Gap { .. } => "gap",
            Self::Truncated { .. } => "truncated",
            Self::Ended { .. } => "ended",
            Self::Failed { .. } => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use cofferdam_types::Status;

    #[test]
    fn an_event_has_its_name_as_its_first_member_and_is_read_again() {
        let end = ExecutionEnd { status: Status::Exited(3), exit_code: 3, run_time_ms: 5, left_running: 1 };
        for (event, json) in [
            (
                SessionEvent::Stdout { stdout: Bytes(b"a".into()), position: 7 },
                r#"{"stdout":"a","position":7}"#.to_string(),
            ),
            (SessionEvent::Gap { gap: 9 }, r#"{"gap":9}"#.to_string()),
            (
                SessionEvent::Truncated { truncated: StreamName::Stderr },
                r#"{"truncated":"stderr"}"#.to_string(),
            ),
            (
                SessionEvent::Ended { ended: end },
                r#"{"ended":{"status":{"exited":3},"exit_code":3,"run_time_ms":5,"left_running":1}}"#
                    .to_string(),
            ),
        ] {
            assert_eq!(serde_json::to_string(&event).expect("JSON"), json);
            assert!(json.starts_with(&format!(r#"{{"{}":"#, event.name())), "{json}");
            assert_eq!(serde_json::from_str::<SessionEvent>(&json).expect("an event"), event);
        }
    }
}
