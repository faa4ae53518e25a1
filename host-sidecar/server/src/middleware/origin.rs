//! Refuses requests of web pages: a browser on this machine must not send them to the sidecar.

use crate::{api_error::ApiError, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use cofferdam_http_api::ErrorCode;
use http::{HeaderValue, StatusCode, header, uri::Authority};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// How a request reached the sidecar.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transport {
    /// Over a Unix socket, which no browser can use.
    Unix,
    /// Over TCP, to this address of the sidecar.
    Tcp(SocketAddr),
}

/// Refuses a request whose `Origin` is neither the sidecar's own address nor one that the operator allows. If no token is required, it also
/// refuses a request whose `Host` is not this machine: a page's name server may point that name here (DNS
/// rebinding).
pub(crate) async fn refuse_web_pages(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let transport = request.extensions().get::<Transport>();
    let allowed = &state.config.allowed_origins;
    let is_accepted = |origin: &HeaderValue| {
        is_own_origin(origin, transport) || allowed.iter().any(|allowed| origin == allowed)
    };
    if !request.headers().get_all(header::ORIGIN).iter().all(is_accepted) {
        let text = "browser (cross-origin) requests are not accepted: the Origin is not the sidecar's own address, and \
                    not among serve.allowed_origins";
        return Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Denied, text));
    }
    if let Some(Transport::Tcp(address)) = transport
        && !state.tenants.require_token()
        && !has_own_host(&request, *address)
    {
        let text =
            "the Host of the request is not this machine; use the sidecar's address, such as 127.0.0.1";
        return Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, ErrorCode::Denied, text));
    }
    Ok(next.run(request).await)
}

/// Whether the request has exactly one `Host`, and that and the authority of its target are this machine.
fn has_own_host(request: &Request, address: SocketAddr) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let is_own = |host: &str| is_own_host(host, address);
    host.to_str().is_ok_and(is_own) && request.uri().authority().is_none_or(|host| is_own(host.as_str()))
}

/// Whether an origin is the sidecar's own address. The sidecar has no web pages; MCP clients send this
/// origin.
fn is_own_origin(origin: &HeaderValue, transport: Option<&Transport>) -> bool {
    let (Some(Transport::Tcp(address)), Ok(origin)) = (transport, origin.to_str()) else { return false };
    let Some((_, host)) = origin.split_once("://") else { return false };
    let has_own_port = |host: Authority| host.port_u16() == Some(address.port());
    is_own_host(host, *address) && host.parse::<Authority>().is_ok_and(has_own_port)
}

/// Whether a host, with or without a port, is the address itself, a loopback address or `localhost`.
fn is_own_host(host: &str, address: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip == address.ip(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_a_web_page_can_have_is_not_accepted() {
        let address = "10.0.0.7:8787".parse().expect("an address");
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8787",
            "127.9.9.9",
            "[::1]:8787",
            "10.0.0.7",
            "10.0.0.7:99",
        ] {
            assert!(is_own_host(host, address), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example:8787", "10.0.0.8", "127.0.0.1.evil.example", "a b"]
        {
            assert!(!is_own_host(host, address), "{host}");
        }
    }
    #[test]
    fn only_the_address_of_the_socket_is_an_accepted_origin() {
        let tcp = Transport::Tcp("127.0.0.1:8787".parse().expect("an address"));
        let is_own = |origin, transport| is_own_origin(&HeaderValue::from_static(origin), transport);
        for origin in ["http://127.0.0.1:8787", "http://localhost:8787", "https://[::1]:8787"] {
            assert!(is_own(origin, Some(&tcp)), "{origin}");
            assert!(!is_own(origin, Some(&Transport::Unix)) && !is_own(origin, None), "{origin}");
        }
        let others = ["", "null", "http://", "127.0.0.1:8787", "http://127.0.0.1", "http://localhost:3000"];
        for origin in
            others.into_iter().chain(["http://evil.example:8787", "http://127.0.0.1:8787.evil.example"])
        {
            assert!(!is_own(origin, Some(&tcp)), "{origin}");
        }
    }
}
