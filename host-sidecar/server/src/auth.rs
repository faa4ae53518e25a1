//! Whose request it is.

use super::{access::Noted, connection_table::Connection, problem::Refusal, server::Server};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use cofferdam_http_api::ErrorCode;
use std::sync::{Arc, Weak};

/// Lets in who has a token of a tenant's, or everybody where there are no tokens, and notes the tenant.
pub(super) async fn authenticate(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let tenant = server.tenants.of(bearer(request.headers())).ok_or_else(|| {
        let text = "the request needs one of the sidecar's tokens; send it as `Authorization: Bearer TOKEN`";
        Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorised, text)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    })?;
    if let Some(noted) = request.extensions().get::<Noted>() {
        noted.tenant(&tenant.name);
    }
    if let Some(connection) = request.extensions().get::<Weak<Connection>>().and_then(Weak::upgrade) {
        connection.claim(&tenant.name, tenant.max_connections)?;
    }
    request.extensions_mut().insert(tenant.clone());
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_as_a_bearer_token_only() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("", None),
        ] {
            let headers = [(header::AUTHORIZATION, HeaderValue::from_static(value))].into_iter().collect();
            assert_eq!(bearer(&headers), token.map(str::as_bytes), "{value:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
