//! Which sidecar the environment names, and as whom it is asked.

use super::Failure;
use cofferdam_client::Address;
use std::env;

/// The sidecar's address.
pub(super) const URL: &str = "COFFERDAM_URL";
/// The token by which it knows its caller.
pub(super) const TOKEN: &str = "COFFERDAM_TOKEN";

/// The sidecar that `COFFERDAM_URL` names, if any.
pub(super) fn address() -> Result<Option<Address>, Failure> {
    let address = variable(URL)?.map(|address| address.parse()).transpose();
    address.map_err(|error| format!("{URL}: {error}").into())
}

/// The token of `COFFERDAM_TOKEN`, if any.
pub(super) fn token() -> Result<Option<String>, Failure> {
    variable(TOKEN)
}

/// A variable that is empty says nothing.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is not a text in UTF-8").into()),
    }
}
