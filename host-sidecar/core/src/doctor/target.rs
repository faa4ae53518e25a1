//! What a program without a network must not reach. Pure.

use serde::Serialize;
use std::{fmt, net::SocketAddr};

/// Something outside of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// The cluster's.
    ApiServer,
    /// Where clouds tell machines their credentials.
    Metadata,
    /// Whoever knows addresses by their names.
    Names,
    /// Another Pod, or the node.
    Pods,
    /// The machine that the sandbox is on.
    Machine,
}

impl Outside {
    /// With `no` before it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::ApiServer => "API server",
            Self::Metadata => "metadata address",
            Self::Names => "DNS",
            Self::Pods => "other Pod",
            Self::Machine => "address of this machine",
        }
    }
}

/// One way to try it, as the probe reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// A TCP connection.
    Connect(String, u16),
    /// The address of a name.
    LookUp(String),
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Connect(host, port) => write!(f, "{host}:{port}"),
            Self::LookUp(name) => write!(f, "{name}"),
        }
    }
}

/// Something to try, and what it would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What is tried to be reached.
    pub outside: Outside,
    /// How.
    pub attempt: Attempt,
}

impl Target {
    /// A name that is looked up.
    pub fn name(name: &str) -> Self {
        Self { outside: Outside::Names, attempt: Attempt::LookUp(name.to_owned()) }
    }

    /// An address that is connected to; none if it is the same machine's wherever it is used.
    pub fn address(outside: Outside, address: SocketAddr) -> Option<Self> {
        let (ip, port) = (address.ip(), address.port());
        let is_elsewhere = !ip.is_loopback() && !ip.is_unspecified();
        is_elsewhere.then(|| Self { outside, attempt: Attempt::Connect(ip.to_string(), port) })
    }

    /// Where clouds have their metadata.
    pub fn metadata() -> Self {
        Self { outside: Outside::Metadata, attempt: Attempt::Connect("169.254.169.254".to_owned(), 80) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_probe_is_told_what_to_try_as_it_reads_it() {
        let api_server = Target::address(Outside::ApiServer, "[2001:db8::1]:6443".parse().expect("an address"));
        let attempts = [api_server.expect("a target").attempt, Target::name("kubernetes.default.svc").attempt];
        let expected = json!([{ "connect": ["2001:db8::1", 6443] }, { "look_up": "kubernetes.default.svc" }]);
        assert_eq!(serde_json::to_value(&attempts).expect("JSON"), expected);
        assert_eq!(attempts.map(|attempt| attempt.to_string()), ["[2001:db8::1]:6443", "kubernetes.default.svc"]);
    }

    #[test]
    fn an_address_that_everybody_has_is_no_target() {
        for address in ["127.0.0.1:6443", "[::1]:6443", "0.0.0.0:80"] {
            assert_eq!(Target::address(Outside::ApiServer, address.parse().expect("an address")), None, "{address}");
        }
    }
}
