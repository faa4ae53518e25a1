//! The sidecar that the environment names, and its token.

use super::Failure;
use cofferdam_client::Address;
use std::env;

/// The variable with the address of a sidecar.
pub(super) const URL: &str = "COFFERDAM_URL";
/// The variable with the token for it.
pub(super) const TOKEN: &str = "COFFERDAM_TOKEN";

/// The address in `COFFERDAM_URL`, if any.
pub(super) fn address() -> Result<Option<Address>, Failure> {
    let address = variable(URL)?.map(|address| address.parse()).transpose();
    address.map_err(|error| format!("{URL}: {error}").into())
}

/// The token in `COFFERDAM_TOKEN`, if any.
pub(super) fn token() -> Result<Option<String>, Failure> {
    variable(TOKEN)
}

/// The value of a variable, unless it is empty.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8").into()),
    }
}
