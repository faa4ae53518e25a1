//! The guest: it validates a request, passes it to the host and decodes the result. Its only authority is the
//! functions that it imports.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod check;
#[cfg(feature = "async")]
mod concurrent;
mod convert;
#[cfg(feature = "stream")]
mod stream;

use alloc::string::String;
use code_executor_bindings::{
    cofferdam::code_executor::{
        sandbox,
        types::{Error, Request},
    },
    exports::cofferdam::code_executor::code_executor,
};

/// What the component exports.
pub struct Guest;

impl code_executor::Guest for Guest {
    fn execute(request: Request) -> Result<code_executor::Outcome, Error> {
        sandbox::run(&validated(request)?).map(convert::outcome)
    }

    fn render(outcome: code_executor::Outcome) -> String {
        render(&outcome)
    }
}

fn render(outcome: &code_executor::Outcome) -> String {
    cofferdam_rendering::render(&convert::rendered(outcome))
}

/// The validated request, with the defaults that the contract rather than the operator defines.
fn validated(mut request: Request) -> Result<Request, Error> {
    check::check(&request)?;
    request.language.get_or_insert_with(|| cofferdam_types::validation::DEFAULT_LANGUAGE.into());
    request.network.get_or_insert_with(|| cofferdam_types::validation::DEFAULT_NETWORK.into());
    Ok(request)
}
