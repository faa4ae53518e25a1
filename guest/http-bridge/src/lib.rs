//! The bridge: a component that stands in for a host's `sandbox` and hands each run to a sidecar over HTTP. It has no
//! authority but to make HTTP requests, and to read its environment and a clock.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod answer;
mod bounds;
mod deadline;
mod endpoint;
mod exchange;
mod failure;
mod request;

use alloc::{format, string::String};
use bounds::Bounds;
use cofferdam_api::{VERSION, VERSION_HEADER};
use endpoint::Endpoint;
use failure::Failure;
#[cfg(target_family = "wasm")]
use guest_runtime as _;
use http_bridge_bindings::{
    exports::cofferdam::code_executor::{
        sandbox::{self, Report},
        types::{Error, Request},
    },
    wasi::cli::environment::get_environment,
};

#[cfg(target_family = "wasm")]
http_bridge_bindings::export!(Bridge with_types_in http_bridge_bindings);

/// What the component exports.
pub struct Bridge;

impl sandbox::Guest for Bridge {
    fn run(request: Request) -> Result<Report, Error> {
        run(request).map_err(Error::from)
    }
}

/// One call is one request: it is never sent again, so the program runs at most once.
fn run(request: Request) -> Result<Report, Failure> {
    let environment = get_environment();
    let variable =
        |wanted: &str| environment.iter().find_map(|(name, value)| (name == wanted).then_some(value.as_str()));
    let endpoint = Endpoint::parse(variable("COFFERDAM_URL").unwrap_or(endpoint::DEFAULT))?;
    let token = variable("COFFERDAM_TOKEN").filter(|token| !token.is_empty());
    let bounds = Bounds::of(request.limits.as_ref());
    let body = serde_json::to_vec(&request::to_api(request)?).map_err(|_| Failure::Unwritable)?;
    answer::read(exchange::post(&endpoint, &headers(token, body.len()), &body, bounds)?)
}

fn headers(token: Option<&str>, length: usize) -> alloc::vec::Vec<(&'static str, String)> {
    let mut headers = alloc::vec![
        ("accept", format!("application/json, {}", cofferdam_api::PROBLEM)),
        ("content-type", "application/json".into()),
        ("content-length", format!("{length}")),
        (VERSION_HEADER, VERSION.into()),
    ];
    headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
    headers
}
