//! Connections: sockets, TLS, limits and timeouts.

pub(crate) mod acceptor;
pub(crate) mod busy;
mod drain_body;
mod linger;
pub(crate) mod listen;
pub(crate) mod table;
mod timeout_stream;
pub(crate) mod tls;
