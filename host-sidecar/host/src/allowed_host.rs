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
        let is_https = url.scheme_str() == Some("https");
        let default = if is_https { 443 } else { 80 };
        let port = url.port_u16().unwrap_or(default);
        url.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.name))
            && port == self.port.unwrap_or(default)
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
        let port = text.strip_prefix(name.as_str()).filter(|rest| !rest.is_empty());
        let port =
            port.map(|rest| rest.trim_start_matches(':').parse()).transpose().map_err(|_| malformed())?;
        Ok(Self { name, port })
    }
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
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for text in ["", "http://a", "a/b", "user@a", "a:b", "a:70000", ":80", "a b", "a:"] {
            assert!(text.parse::<AllowedHost>().is_err(), "{text:?}");
        }
    }
}
