//! The sidecar that the environment names, and its token.

use super::Failure;
use cofferdam_client::Address;
use cofferdam_types::{Error, ErrorCode};
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

/// An error of a sidecar in the words of the command line.
pub(super) fn explain(error: Error, has_token: bool) -> Error {
    if error.code != ErrorCode::Unauthorised || error.message.contains(TOKEN) {
        return error;
    }
    let message = if has_token {
        format!("the sidecar does not know the token in {TOKEN}")
    } else {
        format!("the sidecar requires a token: set {TOKEN} to a valid one")
    };
    Error { message, ..error }
}

/// The failure of a command that an error of a sidecar is.
pub(super) fn failure(error: Error) -> Failure {
    explain(error, token().is_ok_and(|token| token.is_some())).into()
}

/// The value of a variable, unless it is empty.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8").into()),
    }
}
