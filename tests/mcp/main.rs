//! Tests of the tool in MCP clients that others wrote, over standard input and output and over HTTP, and by the protocol's own suite.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod clients;
mod conformance;
mod ends;
mod http;
mod inspector;
mod scenarios;
