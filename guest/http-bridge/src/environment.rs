//! The environment variables that configure the bridge.

use alloc::string::String;
use http_bridge_bindings::wasi::cli::environment::get_environment;

/// The sidecar's address if `COFFERDAM_URL` is not set.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8787";

/// The values of the environment variables.
pub(crate) struct Environment {
    /// `COFFERDAM_URL`: the sidecar's address.
    pub(crate) url: Option<String>,
    /// `COFFERDAM_TOKEN`: the bearer token, not empty.
    pub(crate) token: Option<String>,
}

impl Environment {
    /// Reads the environment that the host supplies.
    pub(crate) fn read() -> Self {
        let mut variables = get_environment();
        let mut take = |wanted: &str| {
            let index = variables.iter().position(|(name, _)| name == wanted)?;
            Some(variables.swap_remove(index).1)
        };
        Self { url: take("COFFERDAM_URL"), token: take("COFFERDAM_TOKEN").filter(|token| !token.is_empty()) }
    }
}
