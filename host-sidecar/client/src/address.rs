//! The address of a sidecar.

use http::{Uri, uri::Scheme};
use std::{fmt, path::PathBuf, str::FromStr};

/// The address of a sidecar: `unix:PATH`, `http[s]://HOST[:PORT][/PREFIX]`, or `HOST:PORT` for
/// `http://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP socket.
    Tcp {
        /// Whether TLS is used.
        secure: bool,
        /// A name or an IP address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// The host, with the port if the address has one: the value of the header `Host`.
        authority: String,
        /// The prefix of the API's paths, without a trailing slash.
        prefix: String,
    },
}

/// A malformed address of a sidecar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} {reason}; give the sidecar's address, such as unix:/run/agent/cofferdam.sock or http://127.0.0.1:8787"
)]
pub struct MalformedAddress {
    text: String,
    reason: &'static str,
}

impl Address {
    /// The value of the header `Host`.
    pub(super) fn authority(&self) -> &str {
        match self {
            Self::Unix(_) => "localhost",
            Self::Tcp { authority, .. } => authority,
        }
    }

    /// The prefix of the API's paths.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Unix(_) => "",
            Self::Tcp { prefix, .. } => prefix,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { secure, authority, prefix, .. } => {
                write!(f, "{}://{authority}{prefix}", if *secure { "https" } else { "http" })
            }
        }
    }
}

impl FromStr for Address {
    type Err = MalformedAddress;

    fn from_str(text: &str) -> Result<Self, MalformedAddress> {
        let parsed = if is_host_and_port(text) { parse(&format!("http://{text}")) } else { parse(text) };
        parsed.map_err(|reason| {
            // The part before an `@` may contain a password.
            let text = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
            MalformedAddress { text, reason }
        })
    }
}

/// Whether it is an address as `--listen` takes it.
fn is_host_and_port(text: &str) -> bool {
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    text.rsplit_once(':').is_some_and(|(host, port)| host != "unix" && !host.contains('/') && is_number(port))
}

fn parse(text: &str) -> Result<Address, &'static str> {
    const NO_SCHEME: &str = "does not begin with unix:, http:// or https://, and is not HOST:PORT";
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() { Err("names no socket") } else { Ok(Address::Unix(path.into())) };
    }
    if !text.contains("://") {
        return Err(NO_SCHEME);
    }
    let uri: Uri = text.parse().map_err(|_| "is not a URL")?;
    let secure = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        _ => return Err(NO_SCHEME),
    };
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    if authority.contains('@') {
        return Err("has a user name or a password; pass the token in COFFERDAM_TOKEN");
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("has a query or a fragment");
    }
    let host = uri.host().unwrap_or_default();
    let port = match authority.strip_prefix(host) {
        Some("") if secure => 443,
        Some("") => 80,
        _ => match uri.port_u16() {
            None | Some(0) => return Err("has a port that is not a number from 1 to 65535"),
            Some(port) => port,
        },
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err("names no host");
    }
    Ok(Address::Tcp { secure, host, port, authority, prefix: uri.path().trim_end_matches('/').into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_socket_or_a_url() {
        assert_eq!("unix:/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        for (text, secure, host, port, prefix) in [
            ("http://127.0.0.1:8787", false, "127.0.0.1", 8787, ""),
            ("https://sandbox.example/", true, "sandbox.example", 443, ""),
            ("http://[::1]:8787/a/b/", false, "::1", 8787, "/a/b"),
            ("HTTP://sidecar", false, "sidecar", 80, ""),
            ("127.0.0.1:8787", false, "127.0.0.1", 8787, ""),
            ("[::1]:8787", false, "::1", 8787, ""),
            ("localhost:8787", false, "localhost", 8787, ""),
        ] {
            let Ok(Address::Tcp { secure: s, host: h, port: p, prefix: x, .. }) = text.parse() else {
                panic!("{text} is an address");
            };
            assert_eq!((s, h.as_str(), p, x.as_str()), (secure, host, port, prefix), "{text}");
        }
    }

    #[test]
    fn a_malformed_address_is_refused() {
        for text in [
            "",
            "unix:",
            "127.0.0.1",
            "hello.py",
            "a:0",
            ":8787",
            "user@a:80",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:",
            "http://user:secret@a",
            "http://a/?x",
            "http://a/#x",
            "http://a b",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }
}
