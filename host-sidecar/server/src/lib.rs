//! The HTTP API, the MCP tools and the metrics of a sidecar: what `cofferdam serve` and `cofferdam mcp` run.

mod admission;
mod api_error;
mod config;
mod connections;
mod convert;
mod executions;
mod handlers;
#[cfg(any(test, fuzzing))]
mod invariants;
mod mcp;
mod metrics;
mod middleware;
mod readiness;
mod request;
mod response;
mod router;
mod service;
mod sessions;
mod setup_error;
mod state;
mod tar;
pub mod telemetry;
mod tenants;

pub use api_error::to_problem;
pub use config::{Listen, MalformedListen, ServeConfig, ServerConfig, TenantConfig};
#[cfg(any(test, fuzzing))]
pub use invariants::{archive, message, parts, request};
pub use mcp::{McpConfig, serve_stdio};
pub use service::Service;
pub use setup_error::SetupError;
