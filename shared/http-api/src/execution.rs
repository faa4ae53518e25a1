//! A run while it happens, and after.

use crate::{Bytes, Outcome, Problem};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// A run of this caller's, as `GET` finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Execution {
    /// Joins this run with the operator's logs.
    pub id: String,
    /// How far it is.
    #[serde(flatten)]
    pub state: State,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// Its sandbox is being built.
    Starting,
    /// Its program runs.
    Running,
    /// It took place.
    Ended {
        /// What came of it.
        outcome: Outcome,
    },
    /// It did not take place, or its result is not known.
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// What happens in a run: the data of a server-sent event. The event's own name is that of the one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Event {
    /// The run has this id. It comes first.
    Accepted(String),
    /// A phase is over.
    Reached(Phase),
    /// The program wrote these bytes to its standard output.
    Stdout(Bytes),
    /// The program wrote these bytes to its standard error.
    Stderr(Bytes),
    /// The run is over; nothing follows.
    Ended(Outcome),
    /// The run did not take place, or its result is not known; nothing follows.
    Failed(Problem),
}

/// A phase that a run has come to the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Phase {
    /// It has waited for its turn in the sidecar.
    Queued,
    /// A node has been found for it.
    Scheduled,
    /// The image is on the node.
    Pulled,
    /// The program has started.
    Started,
}
