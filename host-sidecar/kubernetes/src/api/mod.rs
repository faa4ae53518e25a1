//! Requests to the API server: their time limit, what their errors mean, and the server's clock.

pub(crate) mod error;
pub(crate) mod request;
pub(crate) mod server_time;

pub(crate) use request::{REQUEST_TIMEOUT, RequestError, with_deadline, with_timeout};
