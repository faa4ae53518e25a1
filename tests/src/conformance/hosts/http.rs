//! Hosts that serve HTTP, with the component `http-caller`.

use super::{SidecarUrl, has_moderate_output, json};
use crate::{
    cluster::runtime,
    conformance::{Case, ContractError, Driver, Failure, Outcome},
    hosts,
};
use cofferdam_component::types::Request;
use std::sync::OnceLock;

/// A driver that starts one server.
#[derive(Debug)]
pub struct HttpHost {
    start: fn(&str) -> hosts::HttpHost,
    sidecar: SidecarUrl,
    server: OnceLock<hosts::HttpHost>,
}

impl HttpHost {
    /// `start` starts a server that uses the sidecar with this URL.
    #[must_use]
    pub fn new(start: fn(&str) -> hosts::HttpHost, sidecar: SidecarUrl) -> Self {
        Self { start, sidecar, server: OnceLock::new() }
    }
}

impl Driver for HttpHost {
    fn supports(&self, case: &Case) -> Result<bool, Failure> {
        Ok(has_moderate_output(case))
    }

    fn execute(&self, request: Request) -> Result<Result<Outcome, ContractError>, Failure> {
        let server = self.server.get_or_init(|| (self.start)(self.sidecar.get()));
        json::result(runtime().block_on(server.execute(&json::request(&request)))?)
    }
}
