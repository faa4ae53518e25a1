//! The bridge: a component that implements `sandbox` and `sandbox-stream` by sending each request to a
//! sidecar over HTTP. Its only authority is to send HTTP requests and to read its environment and a clock.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod client;
mod deadline;
mod endpoint;
mod environment;
mod error;
mod exchange;
mod exchange_limits;
mod request;
mod response;
mod stream;

use client::Client;
#[cfg(target_family = "wasm")]
use guest_runtime as _;
use http_bridge_bindings::exports::cofferdam::code_executor::{
    sandbox::{Guest, Report},
    types::{Error, Request},
};

#[cfg(target_family = "wasm")]
http_bridge_bindings::export!(Bridge with_types_in http_bridge_bindings);

/// What the component exports.
pub struct Bridge;

impl Guest for Bridge {
    fn run(request: Request) -> Result<Report, Error> {
        Ok(Client::from_environment()?.execute(request)?)
    }
}
