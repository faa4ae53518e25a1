//! Layers around the handlers.

pub(crate) mod access_log;
pub(crate) mod auth;
pub(crate) mod has_sessions;
pub(crate) mod origin;
pub(crate) mod version;
