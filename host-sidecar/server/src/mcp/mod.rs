//! The Model Context Protocol: the one tool that runs a program, over HTTP beside the rest of the sidecar and over standard
//! input and output. A call is a run like any other: it has a place and a turn, and is cancelled when its caller is gone.

mod arguments;
mod config;
mod content;
mod defaults;
mod envelope;
mod handler;
mod http;
mod lines;
mod message;
mod outcome;
mod progress;
mod reader;
mod schema;
mod sessions;
mod stdio;
mod tool;

pub use config::McpConfig;
pub(super) use http::{Endpoints, mcp};
#[cfg(any(test, fuzzing))]
pub(super) use message::read;
pub use stdio::serve_stdio;

/// Where it is over HTTP.
pub(super) const PATH: &str = "/mcp";
/// The tool's name.
const TOOL: &str = "execute_code";
