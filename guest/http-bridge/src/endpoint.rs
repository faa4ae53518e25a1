//! The sidecar's address.

use crate::error::BridgeError;
use alloc::string::String;
use cofferdam_http_api::EXECUTIONS;

/// The address of the sidecar's executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Whether to use TLS.
    pub(crate) secure: bool,
    /// The host, and the port if it is not the scheme's default.
    pub(crate) authority: String,
    /// The path of executions, with the prefix of the address.
    pub(crate) path: String,
}

impl Endpoint {
    /// Parses `http[s]://HOST[:PORT][/PREFIX]`.
    pub(crate) fn parse(url: &str) -> Result<Self, BridgeError> {
        let (scheme, rest) = url.split_once("://").ok_or(BridgeError::InvalidUrl(NO_SCHEME))?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(BridgeError::InvalidUrl(NO_SCHEME));
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BridgeError::InvalidUrl("has white space, or characters that are not ASCII"));
        }
        if rest.contains(['?', '#']) {
            return Err(BridgeError::InvalidUrl("has a query or a fragment"));
        }
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        check_authority(authority)?;
        let prefix = prefix.trim_end_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Self { secure, authority: authority.into(), path: [slash, prefix, EXECUTIONS].concat() })
    }
}

const NO_SCHEME: &str = "does not begin with http:// or https://";

fn check_authority(authority: &str) -> Result<(), BridgeError> {
    if authority.contains('@') {
        return Err(BridgeError::InvalidUrl(
            "has a user name or a password; pass the token in COFFERDAM_TOKEN",
        ));
    }
    // An IPv6 address has colons too, but in brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let has_stray_bracket = ipv6.unwrap_or(host).contains(['[', ']']);
    let has_stray_colon = ipv6.is_none() && host.contains(':');
    if host.is_empty() || has_stray_bracket || has_stray_colon {
        return Err(BridgeError::InvalidUrl("has no valid host"));
    }
    // `parse` alone would accept a sign.
    let is_valid = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0)
    };
    if port.is_none_or(is_valid) {
        Ok(())
    } else {
        Err(BridgeError::InvalidUrl("has a port that is not a number from 1 to 65535"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::DEFAULT_URL;

    #[test]
    fn an_address_may_have_a_port_and_a_prefix() {
        for (url, secure, authority, path) in [
            (DEFAULT_URL, false, "127.0.0.1:8787", "/v1/executions"),
            ("https://sandbox.example", true, "sandbox.example", "/v1/executions"),
            ("HTTP://sidecar:80/", false, "sidecar:80", "/v1/executions"),
            ("http://[::1]:8787/a/b/", false, "[::1]:8787", "/a/b/v1/executions"),
            ("http://[::1]/a", false, "[::1]", "/a/v1/executions"),
        ] {
            let expected = Endpoint { secure, authority: authority.into(), path: path.into() };
            assert_eq!(Endpoint::parse(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn an_invalid_address_is_rejected() {
        for url in [
            "",
            "127.0.0.1:8787",
            "unix:///run/cofferdam.sock",
            "ftp://a",
            "http://",
            "http:///v1",
            "http://:80",
            "http://::1:80",
            "http://[::1",
            "http://a:0",
            "http://a:65536",
            "http://a:+80",
            "http://a:",
            "http://a:b",
            "http://user:secret@a",
            "http://a/?x",
            "http://a/#x",
            "http://a b",
            "http://ä",
            "http://a\r\n",
        ] {
            assert!(matches!(Endpoint::parse(url), Err(BridgeError::InvalidUrl(_))), "{url:?}");
        }
    }
}
