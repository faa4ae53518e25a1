//! The guest components, as `make build` has built them. Each is empty in a build for development that found
//! none.

/// The guest alone: a host supplies its one import.
pub const BARE: &[u8] = include_bytes!(env!("COFFERDAM_COMPONENT"));
/// The guest alone, for hosts that let executions be followed and cancelled: they supply the stream interface
/// too.
pub const STREAM: &[u8] = include_bytes!(env!("COFFERDAM_STREAM_COMPONENT"));
/// The guest with the bridge: it imports WASI 0.2 only, and sends each execution to a sidecar over HTTP.
pub const COMPOSED: &[u8] = include_bytes!(env!("COFFERDAM_COMPOSED_COMPONENT"));
/// A tool around the latter: it exports one function with text alone.
pub const TOOL: &[u8] = include_bytes!(env!("COFFERDAM_TOOL_COMPONENT"));
