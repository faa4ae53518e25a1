//! Bodies of responses.

pub(crate) mod event_schema;
pub(crate) mod event_stream;
pub(crate) mod execution_events;
pub(crate) mod json;
pub(crate) mod sandbox_bytes;
pub(crate) mod server_sent;
pub(crate) mod websocket;
