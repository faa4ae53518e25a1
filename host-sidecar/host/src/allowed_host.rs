//! The hosts to which a guest may send HTTP requests. Pure.

use http::Uri;
use std::str::FromStr;

/// A host that `--allow-host` names, and its port; without a port, 80 for http and 443 for https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AllowedHost {
    name: String,
    port: Option<u16>,
}

impl AllowedHost {
    /// Whether a request to this URL is allowed.
    pub(crate) fn allows(&self, url: &Uri) -> bool {
        let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
        let Some(authority) = url.authority() else { return false };
        // A port that is no number of 16 bits would otherwise be none. Nor is there a port after user information.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => Some(default),
            rest => rest.and_then(|rest| rest.strip_prefix(':')).and_then(port_number),
        };
        authority.host().eq_ignore_ascii_case(&self.name) && port == Some(self.port.unwrap_or(default))
    }
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed =
            || format!("{text:?} is not HOST or HOST:PORT, such as api.example.com or localhost:8787");
        let url: Uri = format!("http://{text}/").parse().map_err(|_| malformed())?;
        let authority = url.authority().filter(|authority| authority.as_str() == text && !text.contains('@'));
        let name = authority.map(|authority| authority.host().to_owned()).filter(|name| !name.is_empty());
        let name = name.ok_or_else(malformed)?;
        let port = match text.strip_prefix(name.as_str()) {
            Some("") => None,
            rest => {
                let port = rest.and_then(|rest| rest.strip_prefix(':')).and_then(port_number);
                Some(port.ok_or_else(malformed)?)
            }
        };
        Ok(Self { name, port })
    }
}

fn port_number(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(allowed: &str, url: &str) -> bool {
        allowed.parse::<AllowedHost>().expect("a host").allows(&url.parse().expect("a URL"))
    }

    #[test]
    fn a_host_without_a_port_has_the_default_port_of_the_scheme() {
        assert!(is_allowed("api.example", "https://api.example/v1"));
        assert!(is_allowed("api.example", "http://API.example:80/"));
        assert!(!is_allowed("api.example", "https://api.example:8443/"));
        assert!(!is_allowed("api.example", "https://evil.example/"));
        assert!(!is_allowed("api.example", "https://api.example.evil/"));
        assert!(!is_allowed("example", "https://api.example/"));
    }

    #[test]
    fn a_host_with_a_port_has_that_port_only() {
        assert!(is_allowed("127.0.0.1:8787", "http://127.0.0.1:8787/v1/executions"));
        assert!(!is_allowed("127.0.0.1:8787", "http://127.0.0.1/"));
        assert!(is_allowed("[::1]:8787", "http://[::1]:8787/"));
        assert!(!is_allowed("127.0.0.1:8787", "http://user@127.0.0.1:8787/"));
        assert!(!is_allowed("127.0.0.1", "http://127.0.0.1:84538/"));
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for text in ["", "http://a", "a/b", "user@a", "a:b", "a:70000", ":80", "a b", "a:", "a:+80", "a:0"] {
            assert!(text.parse::<AllowedHost>().is_err(), "{text:?}");
        }
    }
}
