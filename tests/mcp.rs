//! Tests of the tool in MCP clients that others wrote, over standard input and output and over HTTP, and by the protocol's own suite.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

#[path = "mcp/clients.rs"]
mod clients;
#[path = "mcp/conformance.rs"]
mod conformance;
#[path = "mcp/ends.rs"]
mod ends;
#[path = "mcp/http.rs"]
mod http;
#[path = "mcp/inspector.rs"]
mod inspector;
#[path = "mcp/scenarios.rs"]
mod scenarios;
