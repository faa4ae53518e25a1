//! The settings of the server.

use crate::mcp::McpConfig;
use cofferdam_core::{
    InvalidSetting,
    policy::Policy,
    pool::default_concurrency,
    quantity::{Bytes, Seconds},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

/// Everything that a server is set up with.
#[derive(Debug, Clone, Default)]
pub struct ServerConfig {
    /// Where it listens, and its limits.
    pub serve: ServeConfig,
    /// What calls through MCP get.
    pub mcp: McpConfig,
    /// The tenants that have settings of their own, by their names.
    pub tenants: BTreeMap<String, TenantConfig>,
}

/// What one tenant may have.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// How many of `serve.max_runs` it may have at once; none: all.
    pub max_runs: Option<u32>,
    /// How many of `serve.max_connections` it may have at once; none: half of them where there are several tenants.
    pub max_connections: Option<u32>,
    /// The operator's policy for this tenant.
    pub policy: Policy,
}

/// Where the sidecar listens, and its bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeConfig {
    /// Where it listens. Default: a Unix socket in the user's runtime folder.
    pub listen: Vec<Listen>,
    /// The file of tokens. Default: none; then whoever reaches the sidecar may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The certificates, in PEM, that TCP listeners show. Default: none; then they do without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the first of them, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// The collector that spans are exported to by OTLP, such as http://127.0.0.1:4318. Default: the one that
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` names, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// Runs at once. Default: as many as there are processors, at least 4.
    pub max_runs: u32,
    /// Runs that may wait for their turn.
    pub max_queued: u32,
    /// How long a run may wait for its turn, in seconds.
    pub queue_seconds: Seconds,
    /// Bytes of a request's body.
    pub body_limit: Bytes,
    /// Bytes of all requests that are being read or run; of several tenants, none takes more than half of it.
    pub body_memory: Bytes,
    /// Bytes that the outcomes of all executions may take, from before the program starts until the outcome is kept or read: twice
    /// what an execution may print and bring back. The next ones wait. Of several tenants, none takes more than half of it.
    pub output_memory: Bytes,
    /// How long the head of a request may take, and so a connection be idle, in seconds.
    pub header_seconds: Seconds,
    /// How long the body of a request may take, in seconds.
    pub body_seconds: Seconds,
    /// How long a caller may keep an answer waiting, in seconds: the time in which it takes nothing, less a second for each
    /// 16 KiB that it takes.
    pub answer_seconds: Seconds,
    /// Connections at once, over all listeners. At the bound the oldest one that has shown no token is closed.
    pub max_connections: u32,
    /// How long runs may go on once the sidecar was told to end, in seconds.
    pub grace_seconds: Seconds,
    /// How long an outcome is kept after the end of its run, in seconds.
    pub kept_seconds: Seconds,
    /// Bytes of all outcomes that are kept. At the bound the tenant that holds the most of them loses its oldest.
    pub kept_limit: Bytes,
    /// Number of executions of one tenant that are remembered after their end. At the bound those without an idempotency key
    /// are forgotten, and no new key is taken.
    pub kept_runs: u32,
    /// Bytes of one tenant's outcomes that are not kept and still being read. At the bound none of its executions starts.
    pub unread_limit: Bytes,
}

/// Far more than one machine or one namespace can have.
const MAX: u32 = 100_000;
/// A body is held in memory.
const MAX_BODY: Bytes = Bytes(1 << 30);

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            token_file: None,
            tls_cert: None,
            tls_key: None,
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
            if !(min..=MAX).contains(&value) {
                return Err(InvalidSetting::new(setting, format!("is not between {min} and {MAX}")));
            }
        }
        if self.body_limit > MAX_BODY {
            let problem = format!("is above {MAX_BODY}, the most there can be");
            return Err(InvalidSetting::new("serve.body_limit", problem));
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(InvalidSetting::new("serve.tls_cert", "and `serve.tls_key` need each other"));
        }
        if self.otlp_endpoint.as_ref().is_some_and(|endpoint| !endpoint.starts_with("http://")) {
            let problem = "does not begin with http://; TLS is for a collector nearby to add";
            return Err(InvalidSetting::new("serve.otlp_endpoint", problem));
        }
        Ok(())
    }
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

/// A text that is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address to listen on, such as unix:/run/agent/cofferdam.sock, 127.0.0.1:8787 or [::1]:8787")]
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
}
