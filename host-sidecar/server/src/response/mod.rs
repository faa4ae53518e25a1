//! Bodies of responses.

pub(crate) mod event_schema;
pub(crate) mod event_stream;
pub(crate) mod json;
