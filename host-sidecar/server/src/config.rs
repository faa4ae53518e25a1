//! The settings of a sidecar.

use crate::mcp::McpConfig;
use cofferdam_core::{
    InvalidSetting,
    policy::Policy,
    pool::default_concurrency,
    quantity::{Bytes, Seconds},
};
use cofferdam_types::quoted;
use http::uri::Authority;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

/// All settings of a sidecar.
#[derive(Debug, Clone, Default)]
pub struct ServerConfig {
    /// The sockets and the limits.
    pub serve: ServeConfig,
    /// The settings of the MCP tools.
    pub mcp: McpConfig,
    /// Tenants with their own settings, by name.
    pub tenants: BTreeMap<String, TenantConfig>,
}

/// The limits and the policy of one tenant.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// Maximum number of concurrent executions, out of `serve.max_runs`. Default: all.
    pub max_runs: Option<u32>,
    /// Maximum number of connections, out of `serve.max_connections`. Default: half if there are several
    /// tenants.
    pub max_connections: Option<u32>,
    /// Maximum number of sessions at once. Default: that of every tenant,
    /// [`SessionConfig::max_sessions_per_tenant`](cofferdam_core::session::SessionConfig::max_sessions_per_tenant).
    pub max_sessions: Option<u32>,
    /// The tenant's policy.
    pub policy: Policy,
}

/// The sockets of a sidecar, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeConfig {
    /// Addresses to listen on. Default: a Unix socket in the user's runtime directory.
    pub listen: Vec<Listen>,
    /// The token file. Default: none, and every caller that can connect is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The certificate chain for TCP sockets, in PEM. Default: none, and they do not use TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the first certificate, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// Origins of web pages whose requests are accepted, such as https://app.example. Default: none but the sidecar's own
    /// address.
    pub allowed_origins: Vec<String>,
    /// The collector to which spans are exported over OTLP, such as http://127.0.0.1:4318. Default:
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, if set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// Maximum number of concurrent executions. Default: the number of processors, at least 4.
    pub max_runs: u32,
    /// Maximum number of queued executions.
    pub max_queued: u32,
    /// Time that an execution may be queued, in seconds.
    pub queue_seconds: Seconds,
    /// Maximum size of a request's body, in bytes.
    pub body_limit: Bytes,
    /// Memory for the requests of all queued and running executions, in bytes. One of several tenants gets at
    /// most half.
    pub body_memory: Bytes,
    /// Memory for the outcomes of all executions, in bytes. Each reserves twice its limits of output and
    /// collected files, from before the program starts until the outcome is kept or read; the next executions
    /// are queued. One of several tenants gets at most half.
    pub output_memory: Bytes,
    /// Time to receive the head of a request, and so the time that a connection may be idle, in seconds.
    pub header_seconds: Seconds,
    /// Time to receive the body of a request, in seconds.
    pub body_seconds: Seconds,
    /// Time for which a caller may delay a response by not reading it, in seconds. Each 16 KiB that it reads
    /// returns a second.
    pub answer_seconds: Seconds,
    /// Maximum number of connections on all sockets. At the limit, the oldest one without a token is closed.
    pub max_connections: u32,
    /// Time for which executions may continue after the shutdown has started, in seconds.
    pub grace_seconds: Seconds,
    /// Time for which an outcome is kept after the end of its execution, in seconds.
    pub kept_seconds: Seconds,
    /// Maximum size of all kept outcomes, in bytes. At the limit, the oldest outcome of the tenant with the
    /// most bytes is evicted.
    pub kept_limit: Bytes,
    /// Maximum number of one tenant's ended executions that are kept. At the limit, those without an
    /// idempotency key are removed, and new keys are refused.
    pub kept_runs: u32,
    /// Maximum size of one tenant's evicted outcomes that are still being read, in bytes. At the limit, none
    /// of its executions starts.
    pub unread_limit: Bytes,
}

/// Far more than one machine or one namespace can have.
const MAX_NUMBER: u32 = 100_000;
/// Bodies are kept in memory.
const MAX_BODY: Bytes = Bytes(1 << 30);

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            token_file: None,
            tls_cert: None,
            tls_key: None,
            allowed_origins: Vec::new(),
            otlp_endpoint: None,
            max_runs: default_concurrency(),
            max_queued: 64,
            queue_seconds: Seconds(Duration::from_secs(30)),
            body_limit: Bytes(32 << 20),
            body_memory: Bytes(128 << 20),
            output_memory: Bytes(1 << 30),
            header_seconds: Seconds(Duration::from_secs(10)),
            body_seconds: Seconds(Duration::from_secs(60)),
            answer_seconds: Seconds(Duration::from_secs(60)),
            max_connections: 1024,
            grace_seconds: Seconds(Duration::from_secs(10)),
            kept_seconds: Seconds(Duration::from_secs(300)),
            kept_limit: Bytes(64 << 20),
            kept_runs: 10_000,
            unread_limit: Bytes(32 << 20),
        }
    }
}

impl ServeConfig {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`], naming the setting.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        for (setting, value, min) in [
            ("serve.max_runs", self.max_runs, 1),
            ("serve.max_queued", self.max_queued, 0),
            ("serve.max_connections", self.max_connections, 1),
            ("serve.kept_runs", self.kept_runs, 1),
        ] {
            if !(min..=MAX_NUMBER).contains(&value) {
                return Err(InvalidSetting::new(setting, format!("is not between {min} and {MAX_NUMBER}")));
            }
        }
        if self.body_limit > MAX_BODY {
            let problem = format!("is above the maximum of {MAX_BODY}");
            return Err(InvalidSetting::new("serve.body_limit", problem));
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(InvalidSetting::new("serve.tls_cert", "and `serve.tls_key` must be set together"));
        }
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            let problem =
                format!("has {}, which is not an origin such as https://app.example", quoted(origin));
            return Err(InvalidSetting::new("serve.allowed_origins", problem));
        }
        if self.otlp_endpoint.as_ref().is_some_and(|endpoint| !endpoint.starts_with("http://")) {
            let problem =
                "does not begin with http://; for TLS, export to a local collector that forwards spans";
            return Err(InvalidSetting::new("serve.otlp_endpoint", problem));
        }
        Ok(())
    }
}

/// Whether this is an origin as browsers send it: a scheme and a host, in lower case, and a port unless it is the usual
/// one.
fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
    let is_lower_case = !text.contains(|c: char| c.is_ascii_uppercase());
    host.is_some_and(|host| is_lower_case && !host.contains('@') && host.parse::<Authority>().is_ok())
}

/// An address to listen on: `unix:PATH`, or an IP address with a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP socket; port 0 lets the kernel choose one.
    Tcp(SocketAddr),
}

/// A malformed address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an address to listen on, such as unix:/run/agent/cofferdam.sock, 127.0.0.1:8787 or [::1]:8787"
)]
pub struct MalformedListen(String);

impl FromStr for Listen {
    type Err = MalformedListen;

    fn from_str(text: &str) -> Result<Self, MalformedListen> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Self::Unix(path.into())),
            _ => text.parse().map(Self::Tcp).map_err(|_| MalformedListen(text.into())),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

impl TryFrom<String> for Listen {
    type Error = MalformedListen;

    fn try_from(text: String) -> Result<Self, MalformedListen> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_socket_of_either_kind() {
        for text in ["unix:/run/a.sock", "unix:a", "127.0.0.1:0", "[::1]:8787"] {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()), Ok(text.into()));
        }
        for text in ["", "unix:", "/run/a.sock", "8787", "localhost:8787", "127.0.0.1"] {
            assert_eq!(text.parse::<Listen>(), Err(MalformedListen(text.into())));
        }
    }

    #[test]
    fn an_allowed_origin_is_one_that_browsers_send() {
        let accepts = |origin: &str| {
            let config = ServeConfig { allowed_origins: vec![origin.into()], ..ServeConfig::default() };
            config.validate().is_ok()
        };
        assert!(accepts("https://app.example") && accepts("http://localhost:3000"));
        for origin in
            ["", "*", "app.example", "https://app.example/", "https://App.example", "https://a@b", "null"]
        {
            assert!(!accepts(origin), "{origin}");
        }
    }
}
