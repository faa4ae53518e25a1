//! The Model Context Protocol: a tool that executes a program, and tools for sessions, over HTTP beside the sidecar's
//! API, and over standard input and output. A call is an execution like any other: it needs the same permits, and is
//! cancelled when its caller disconnects.

mod argument_reader;
mod arguments;
mod call_context;
mod config;
mod content;
mod defaults;
mod envelope;
mod handler;
mod host_files;
mod http;
mod input_file;
mod line_transport;
mod member;
mod message;
mod number;
mod progress;
mod reader;
mod result;
mod schema;
mod session_tools;
mod sessions;
mod stdio;
mod tool;
mod tool_call;
mod utf8;

pub use config::McpConfig;
pub(super) use http::{Endpoints, mcp};
#[cfg(any(test, fuzzing))]
pub(super) use message::read;
pub use stdio::serve_stdio;

/// The path over HTTP.
pub(super) const PATH: &str = "/mcp";
/// The name of the tool that executes a program in a new sandbox.
const TOOL: &str = "execute_code";
