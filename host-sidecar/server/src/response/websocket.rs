//! The opening handshake of a WebSocket, RFC 6455, 4.2.

use crate::api_error::ApiError;
use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

const WEBSOCKET: &str = "websocket";
const VERSION: &str = "13";
/// Maximum bytes of a message.
pub(crate) const MAX_MESSAGE: usize = 1 << 20;

/// A WebSocket after its handshake.
pub(crate) type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// What a request needs to become a WebSocket.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: HeaderValue,
    on_upgrade: OnUpgrade,
}

/// The connection of a request before it becomes a WebSocket.
#[derive(Debug)]
pub(crate) struct Upgrade(Option<OnUpgrade>);

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.remove()))
    }
}

impl Handshake {
    /// Checks the headers of a request.
    pub(crate) fn new(headers: &HeaderMap, Upgrade(on_upgrade): Upgrade) -> Result<Self, ApiError> {
        let has = |name, value: &str| {
            let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.any(|list| list.split(',').any(|element| element.trim().eq_ignore_ascii_case(value)))
        };
        let is_handshake = has(header::CONNECTION, "upgrade") && has(header::UPGRADE, WEBSOCKET);
        let (Some(on_upgrade), true) = (on_upgrade, is_handshake) else {
            let text = "the terminal of an execution is a WebSocket; connect with a WebSocket client";
            let error = ApiError::invalid(StatusCode::UPGRADE_REQUIRED, text);
            return Err(error.with_header(header::UPGRADE, HeaderValue::from_static(WEBSOCKET)));
        };
        let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
        let (Some(key), true) = (key, has(header::SEC_WEBSOCKET_VERSION, VERSION)) else {
            let text = "the request is no handshake of version 13 of the WebSocket protocol";
            let error = ApiError::invalid(StatusCode::BAD_REQUEST, text);
            return Err(error.with_header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION)));
        };
        // Base64 is always a valid header.
        let accept = HeaderValue::from_str(&derive_accept_key(key)).unwrap_or(HeaderValue::from_static(""));
        Ok(Self { accept, on_upgrade })
    }

    /// The response that accepts the handshake.
    pub(crate) fn response(&self) -> Response {
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static(WEBSOCKET)),
            (header::SEC_WEBSOCKET_ACCEPT, self.accept.clone()),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
    }

    /// The WebSocket, once the response is sent; none if the caller has disconnected.
    pub(crate) async fn socket(self) -> Option<WebSocket> {
        let upgraded = TokioIo::new(self.on_upgrade.await.ok()?);
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        Some(WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_request_is_told_what_is_expected() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let header = |(name, value): &(&'static str, &'static str)| {
                (name.parse::<http::HeaderName>().expect("a name"), HeaderValue::from_static(value))
            };
            pairs.iter().map(header).collect()
        };
        let status = |headers: &HeaderMap| {
            let mut request = http::Request::new(());
            let on_upgrade = hyper::upgrade::on(&mut request);
            Handshake::new(headers, Upgrade(Some(on_upgrade))).map_err(|error| error.problem().status)
        };
        let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert_eq!(status(&headers(&[])).err(), Some(426));
        assert_eq!(status(&headers(&upgrade)).err(), Some(400));
        let complete = [
            upgrade[0],
            upgrade[1],
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let handshake = status(&headers(&complete)).expect("a handshake");
        // The example of RFC 6455.
        assert_eq!(
            handshake.response().headers()[header::SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            Handshake::new(&headers(&complete), Upgrade(None)).err().map(|error| error.problem().status),
            Some(426)
        );
    }
}
