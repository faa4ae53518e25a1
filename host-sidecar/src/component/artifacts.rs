//! The components that this library carries.

/// The guest alone: a host supplies its one import.
pub const BARE: &[u8] = include_bytes!(env!("COFFERDAM_COMPONENT"));
/// The guest alone, for hosts that let runs be followed and cancelled: they supply its import's stream too.
pub const STREAM: &[u8] = include_bytes!(env!("COFFERDAM_STREAM_COMPONENT"));
/// The guest with the bridge: it imports WASI 0.2 only, and sends each run to a sidecar over HTTP.
pub const COMPOSED: &[u8] = include_bytes!(env!("COFFERDAM_COMPOSED_COMPONENT"));
