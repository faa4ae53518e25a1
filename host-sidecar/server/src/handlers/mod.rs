//! The handlers of the HTTP API, one file for each operation.

pub(crate) mod cancel;
mod execution_by_id;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod post;
pub(crate) mod sessions;
