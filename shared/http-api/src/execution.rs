//! The state and the events of an execution.

use crate::{Bytes, Outcome, Problem};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// An execution of this caller, as `GET` returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Execution {
    /// Identifies the execution in the operator's logs.
    pub id: String,
    /// The state of the execution.
    #[serde(flatten)]
    pub state: State,
}

/// The state of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum State {
    /// It is waiting in the sidecar's queue.
    Queued,
    /// Its sandbox is being created.
    Starting,
    /// Its program is running.
    Running,
    /// It is complete.
    Ended {
        /// The outcome.
        outcome: Outcome,
    },
    /// It did not take place, or its result is unknown.
    Failed {
        /// The reason.
        problem: Problem,
    },
}

/// An event of an execution: the data of a server-sent event. The event's name is the name of the one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Event {
    /// The id of the execution. This is the first event.
    Accepted(String),
    /// A phase ended.
    Reached(Phase),
    /// The program wrote these bytes to its standard output.
    Stdout(Bytes),
    /// The program wrote these bytes to its standard error.
    Stderr(Bytes),
    /// The execution is complete. This is the last event.
    Ended(Outcome),
    /// The execution did not take place, or its result is unknown. This is the last event.
    Failed(Problem),
}

/// A phase of an execution that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Phase {
    /// The execution left the sidecar's queue.
    Queued,
    /// The sandbox is assigned to a node.
    Scheduled,
    /// The node has pulled the image.
    Pulled,
    /// The program started.
    Started,
}
