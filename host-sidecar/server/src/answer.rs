//! How an execution has ended.

use super::problem;
use axum::body::Bytes;
use cofferdam_http_api::{Outcome, Problem};
use cofferdam_types::Error;
use std::sync::Arc;

/// The outcome is serialised once, and all who read it share the bytes.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// With an [`Outcome`], in JSON.
    Ended(Bytes),
    /// Without one.
    Failed(Arc<Problem>),
}

impl Answer {
    /// Parses the outcome.
    ///
    /// # Errors
    ///
    /// The problem of an execution without one.
    pub(super) fn outcome(&self) -> Result<Outcome, Problem> {
        match self {
            Self::Ended(json) => serde_json::from_slice(json)
                .map_err(|error| problem::of_error(Error::internal("the outcome cannot be read", error))),
            Self::Failed(problem) => Err((**problem).clone()),
        }
    }
}
