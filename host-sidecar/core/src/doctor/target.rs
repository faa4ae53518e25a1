//! Network addresses that a program in a sandbox must not reach. Pure.

use serde::Serialize;
use std::{fmt, net::SocketAddr};

/// A kind of destination outside of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The cluster's API server.
    ApiServer,
    /// The metadata server of a cloud, which has credentials of the machine.
    Metadata,
    /// A DNS server.
    Dns,
    /// Another Pod, or the node.
    Pods,
    /// The machine of the sandbox.
    Machine,
}

impl Destination {
    /// A noun that can follow `no`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::ApiServer => "API server",
            Self::Metadata => "metadata address",
            Self::Dns => "DNS",
            Self::Pods => "other Pod",
            Self::Machine => "address of this machine",
        }
    }
}

/// One attempt to reach it, in the format that the probe reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Opens a TCP connection.
    Connect(String, u16),
    /// Looks up a name in the DNS.
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

/// A destination and how to try to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The destination.
    pub destination: Destination,
    /// How the probe tries.
    pub attempt: Attempt,
}

impl Target {
    /// A name to look up.
    pub fn name(name: &str) -> Self {
        Self { destination: Destination::Dns, attempt: Attempt::LookUp(name.to_owned()) }
    }

    /// An address to connect to; none for a loopback or unspecified address, which each machine has.
    pub fn address(destination: Destination, address: SocketAddr) -> Option<Self> {
        let (ip, port) = (address.ip(), address.port());
        let is_remote = !ip.is_loopback() && !ip.is_unspecified();
        is_remote.then(|| Self { destination, attempt: Attempt::Connect(ip.to_string(), port) })
    }

    /// The metadata server of the usual clouds.
    pub fn metadata() -> Self {
        Self {
            destination: Destination::Metadata,
            attempt: Attempt::Connect("169.254.169.254".to_owned(), 80),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attempts_have_the_format_that_the_probe_reads() {
        let api_server =
            Target::address(Destination::ApiServer, "[2001:db8::1]:6443".parse().expect("an address"));
        let attempts =
            [api_server.expect("a target").attempt, Target::name("kubernetes.default.svc").attempt];
        let expected = json!([{ "connect": ["2001:db8::1", 6443] }, { "look_up": "kubernetes.default.svc" }]);
        assert_eq!(serde_json::to_value(&attempts).expect("JSON"), expected);
        assert_eq!(
            attempts.map(|attempt| attempt.to_string()),
            ["[2001:db8::1]:6443", "kubernetes.default.svc"]
        );
    }

    #[test]
    fn a_loopback_or_unspecified_address_is_no_target() {
        for address in ["127.0.0.1:6443", "[::1]:6443", "0.0.0.0:80"] {
            assert_eq!(
                Target::address(Destination::ApiServer, address.parse().expect("an address")),
                None,
                "{address}"
            );
        }
    }
}
