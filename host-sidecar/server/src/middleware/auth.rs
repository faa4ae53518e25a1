//! Authentication: the tenant of a request.

use super::access_log::RequestContext;
use crate::{api_error::ApiError, connections::table::Connection, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use cofferdam_http_api::ErrorCode;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::{Arc, Weak};

/// Accepts a request with a token of a tenant, or every request if there are no tokens. Adds the tenant to
/// the request.
pub(crate) async fn authenticate(
    State(state): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let tenant = state.tenants.authenticate(bearer(request.headers())).ok_or_else(|| {
        let text =
            "the request has no valid token; send `Authorization: Bearer TOKEN` with a token of the sidecar";
        ApiError::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorised, text)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    })?;
    if let Some(context) = request.extensions().get::<RequestContext>() {
        context.set_tenant(&tenant.name);
    }
    if let Some(connection) = request.extensions().get::<Weak<Connection>>().and_then(Weak::upgrade) {
        connection.assign(&tenant.name, tenant.max_connections)?;
    }
    request.extensions_mut().insert(tenant.clone());
    Ok(next.run(request).await)
}

/// The token of the header `Authorization: Bearer TOKEN`.
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
