//! The bridge: a component that stands in for a host's `sandbox` and its stream, and hands each run to a sidecar over HTTP. It has no
//! authority but to make HTTP requests, and to read its environment and a clock.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod answer;
mod bounds;
mod deadline;
mod endpoint;
mod exchange;
mod failure;
mod follow;
mod request;
mod sidecar;

#[cfg(target_family = "wasm")]
use guest_runtime as _;
use http_bridge_bindings::exports::cofferdam::code_executor::{
    sandbox::{Guest, Report},
    types::{Error, Request},
};
use sidecar::Sidecar;

#[cfg(target_family = "wasm")]
http_bridge_bindings::export!(Bridge with_types_in http_bridge_bindings);

/// What the component exports.
pub struct Bridge;

impl Guest for Bridge {
    fn run(request: Request) -> Result<Report, Error> {
        Ok(Sidecar::named()?.run(request)?)
    }
}
