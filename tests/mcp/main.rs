//! Tests of the MCP tools with third-party clients, over stdio and HTTP, and with the protocol's conformance
//! suite.
#![expect(clippy::expect_used, reason = "a test fails by panicking, and so do its helpers")]

mod clients;
mod conformance;
mod disconnects;
mod host_files;
mod http;
mod inspector;
mod scenarios;
mod server;
