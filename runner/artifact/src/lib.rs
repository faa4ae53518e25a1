//! The runner, the first process in a sandbox, as `make build` has built it for this processor.

/// The static executable. Empty in a build for development that found none; such a program cannot start
/// sandboxes.
pub const RUNNER: &[u8] = include_bytes!(env!("COFFERDAM_RUNNER"));
