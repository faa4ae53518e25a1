//! Web pages are no callers: a browser on this machine must not carry their requests to us.

use super::{problem::Refusal, server::Server};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};
use cofferdam_http_api::ErrorCode;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The way that a request has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Through a Unix socket, which no browser reaches.
    Unix,
    /// To this address.
    Tcp(SocketAddr),
}

/// Refuses what a web page sends: requests with an `Origin` that is not the sidecar's own address, and where no token is asked for,
/// those to a name that is not this machine's, which a name server of the page's may have led here.
pub(super) async fn refuse_web_pages(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let way = request.extensions().get::<Way>();
    if !request.headers().get_all(header::ORIGIN).iter().all(|origin| is_own(origin, way)) {
        let text = "requests of web pages are refused: the request has an Origin that is not the sidecar's own address";
        return Err(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::Denied, text));
    }
    if let Some(Way::Tcp(address)) = way
        && !server.tenants.need_token()
    {
        // Of several the one that counts would be a matter of opinion.
        let mut named = request.headers().get_all(header::HOST).iter();
        let host = named.next().filter(|_| named.next().is_none()).and_then(|host| host.to_str().ok());
        let hosts = [host, request.uri().authority().map(Authority::as_str)];
        if host.is_none() || hosts.into_iter().flatten().any(|host| !is_ours(host, *address)) {
            let text = "the request is for another host: reach the sidecar by its address, such as 127.0.0.1";
            return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, ErrorCode::Denied, text));
        }
    }
    Ok(next.run(request).await)
}

/// Whether an origin is the sidecar's own address, which has no pages: MCP clients that are no browsers send it.
fn is_own(origin: &HeaderValue, way: Option<&Way>) -> bool {
    let (Some(Way::Tcp(address)), Ok(origin)) = (way, origin.to_str()) else { return false };
    let Some((_, host)) = origin.split_once("://") else { return false };
    is_ours(host, *address) && host.parse::<Authority>().is_ok_and(|host| host.port_u16() == Some(address.port()))
}

/// Whether a host, which may have a port, is this machine by a name or address that only it can have, or the address.
fn is_ours(host: &str, address: SocketAddr) -> bool {
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
    fn a_name_that_a_web_page_could_have_is_not_ours() {
        let address = "10.0.0.7:8787".parse().expect("an address");
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8787", "127.9.9.9", "[::1]:8787", "10.0.0.7", "10.0.0.7:99"]
        {
            assert!(is_ours(host, address), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:8787", "10.0.0.8", "127.0.0.1.evil.example", "a b"] {
            assert!(!is_ours(host, address), "{host}");
        }
    }
    #[test]
    fn only_the_address_that_is_listened_on_is_an_origin_of_our_own() {
        let tcp = Way::Tcp("127.0.0.1:8787".parse().expect("an address"));
        let is_own = |origin, way| super::is_own(&HeaderValue::from_static(origin), way);
        for origin in ["http://127.0.0.1:8787", "http://localhost:8787", "https://[::1]:8787"] {
            assert!(is_own(origin, Some(&tcp)), "{origin}");
            assert!(!is_own(origin, Some(&Way::Unix)) && !is_own(origin, None), "{origin}");
        }
        let others = ["", "null", "http://", "127.0.0.1:8787", "http://127.0.0.1", "http://localhost:3000"];
        for origin in others.into_iter().chain(["http://evil.example:8787", "http://127.0.0.1:8787.evil.example"]) {
            assert!(!is_own(origin, Some(&tcp)), "{origin}");
        }
    }
}
