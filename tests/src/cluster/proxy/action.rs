//! Recorded requests, and what the proxy does with them.

use hyper::{Method, StatusCode};
use std::time::Duration;

/// A recorded request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// The path and the query.
    pub path: String,
}

impl ApiRequest {
    /// Whether the request has this method and a path that contains `path`.
    #[must_use]
    pub fn matches(&self, method: Method, path: &str) -> bool {
        self.method == method && self.path.contains(path)
    }
}

/// What the proxy does with a request.
#[derive(Debug, Clone)]
pub enum Action {
    /// Forward the request and its response.
    Forward,
    /// Forward the request, then break the connection instead of responding.
    DropResponse,
    /// Break the connection without forwarding the request.
    DropRequest,
    /// Respond without forwarding the request.
    Respond(StatusCode, String),
    /// Forward the request, then respond with this.
    ReplaceResponse(StatusCode, String),
    /// Break the connection after this many bytes of the response.
    Cut(usize),
    /// End the response after this many bytes as if it were complete. Data from the client is still
    /// forwarded.
    Truncate(usize),
    /// Send no more after this many bytes of the response, but keep the connection open.
    Stall(usize),
    /// Pass each line of the response through this function.
    EditLines(fn(&str) -> String),
    /// Repeat some lines of the response and swap others, by this seed.
    Shuffle(u64),
    /// Never respond.
    Hang,
    /// Perform another action after a delay.
    Delay(Duration, Box<Action>),
}
