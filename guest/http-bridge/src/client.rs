//! The client of the sidecar's HTTP API.

use crate::{
    endpoint::Endpoint,
    environment::{DEFAULT_URL, Environment},
    error::BridgeError,
    exchange::{self, Response, ResponseBody, ResponseHead},
    exchange_limits::{ExchangeLimits, IDLE_TIMEOUT_MS},
    request,
    response::{self, EVENT_STREAM, JSON},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use cofferdam_http_api::{PROBLEM, VERSION, VERSION_HEADER};
use http_bridge_bindings::{
    exports::cofferdam::code_executor::{sandbox::Report, types::Request},
    wasi::http::types::Method,
};

/// A client of one sidecar.
pub(crate) struct Client {
    endpoint: Endpoint,
    token: Option<String>,
}

impl Client {
    /// A client of the sidecar that the environment variables name.
    pub(crate) fn from_environment() -> Result<Self, BridgeError> {
        let Environment { url, token } = Environment::read();
        Ok(Self { endpoint: Endpoint::parse(url.as_deref().unwrap_or(DEFAULT_URL))?, token })
    }

    /// Runs a program and waits for its report.
    pub(crate) fn execute(&self, request: Request) -> Result<Report, BridgeError> {
        let limits = ExchangeLimits::of(request.limits.as_ref());
        let (head, body) = self.post(request, JSON, limits, limits.timeout_ms)?;
        response::read(&Response { head, body: body.read_to_end(limits.max_response_bytes)? })
    }

    /// Starts a program. Returns the HTTP status and the body of the stream of events.
    pub(crate) fn stream(
        &self,
        request: Request,
        limits: ExchangeLimits,
    ) -> Result<(u16, ResponseBody), BridgeError> {
        let (head, body) = self.post(request, EVENT_STREAM, limits, IDLE_TIMEOUT_MS)?;
        response::check_version(&head)?;
        let status = head.status;
        if response::is_success(&head, EVENT_STREAM) {
            return Ok((status, body));
        }
        let result = response::read(&Response { head, body: body.read_to_end(limits.max_response_bytes)? });
        // An outcome is no valid response to a request for a stream.
        Err(result.err().unwrap_or(BridgeError::UnexpectedResponse(status)))
    }

    /// Cancels an execution.
    pub(crate) fn cancel(&self, id: &str, limits: ExchangeLimits) -> Result<(), BridgeError> {
        let endpoint = Endpoint { path: format!("{}/{id}", self.endpoint.path), ..self.endpoint.clone() };
        let headers = self.headers(JSON);
        let (head, body) =
            exchange::send(&endpoint, &Method::Delete, &headers, &[], IDLE_TIMEOUT_MS, IDLE_TIMEOUT_MS)?;
        response::check_version(&head)?;
        if response::is_success(&head, JSON) {
            return Ok(());
        }
        match response::read(&Response { head, body: body.read_to_end(limits.max_response_bytes)? }) {
            // The execution ended, and its result has expired.
            Err(BridgeError::Problem(problem)) if matches!(problem.status, 404 | 410) => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// Posts a request. It is never sent again, so that the program runs at most once.
    fn post(
        &self,
        request: Request,
        accept: &str,
        limits: ExchangeLimits,
        head_timeout_ms: u64,
    ) -> Result<(ResponseHead, ResponseBody), BridgeError> {
        let body = serde_json::to_vec(&request::to_api(request)?).map_err(|_| BridgeError::RequestNotSent)?;
        let mut headers = self.headers(accept);
        headers.push(("content-type", JSON.into()));
        headers.push(("content-length", body.len().to_string()));
        exchange::send(&self.endpoint, &Method::Post, &headers, &body, limits.timeout_ms, head_timeout_ms)
    }

    fn headers(&self, accept: &str) -> Vec<(&'static str, String)> {
        let mut headers =
            alloc::vec![("accept", format!("{accept}, {PROBLEM}")), (VERSION_HEADER, VERSION.into())];
        headers.extend(self.token.as_ref().map(|token| ("authorization", format!("Bearer {token}"))));
        headers
    }
}
