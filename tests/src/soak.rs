//! Tests that are too slow for every change and run in `make soak`.

use std::env;

/// Whether `SOAK` is set.
#[must_use]
pub fn is_soak() -> bool {
    env::var_os("SOAK").is_some()
}
