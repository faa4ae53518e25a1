//! The result of an execution.

use crate::api_error::to_problem;
use axum::body::Bytes;
use cofferdam_http_api::{Outcome, Problem};
use cofferdam_types::Error;
use std::sync::Arc;

/// An outcome is serialized once, and all its readers share the bytes.
#[derive(Debug, Clone)]
pub(crate) enum ExecutionResult {
    /// An [`Outcome`] in JSON.
    Outcome(Bytes),
    /// The reason why there is no outcome.
    Problem(Arc<Problem>),
}

impl ExecutionResult {
    /// Parses the outcome.
    ///
    /// # Errors
    ///
    /// The problem of an execution without an outcome.
    pub(crate) fn outcome(&self) -> Result<Outcome, Problem> {
        match self {
            Self::Outcome(json) => serde_json::from_slice(json)
                .map_err(|error| to_problem(Error::internal("the outcome cannot be parsed", error))),
            Self::Problem(problem) => Err((**problem).clone()),
        }
    }
}
