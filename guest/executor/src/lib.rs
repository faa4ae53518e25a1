//! The guest component: it checks a request, has the host run it, and makes the result readable. It has no authority
//! but the one function that it imports.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod check;
mod convert;

use alloc::string::String;
use code_executor_bindings::{
    cofferdam::code_executor::{
        sandbox,
        types::{Error, Request},
    },
    exports::cofferdam::code_executor::code_executor,
};

#[cfg(target_family = "wasm")]
use guest_runtime as _;

#[cfg(target_family = "wasm")]
code_executor_bindings::export!(Guest with_types_in code_executor_bindings);

/// What the component exports.
pub struct Guest;

impl code_executor::Guest for Guest {
    fn execute(request: Request) -> Result<code_executor::Outcome, Error> {
        check::check(&request)?;
        sandbox::run(&with_defaults(request)).map(convert::outcome)
    }

    fn render(outcome: code_executor::Outcome) -> String {
        cofferdam_rendering::render(&convert::view(&outcome))
    }
}

/// Fills in what the contract, rather than the operator, has a default for.
fn with_defaults(mut request: Request) -> Request {
    request.language.get_or_insert_with(|| cofferdam_contract::DEFAULT_LANGUAGE.into());
    request.network.get_or_insert_with(|| cofferdam_contract::DEFAULT_NETWORK.into());
    request
}
