//! What takes longer than a change should have to wait for: `make soak`.

use std::env;

/// Whether there is time for it.
#[must_use]
pub fn is_soak() -> bool {
    env::var_os("SOAK").is_some()
}
