//! The version of the API: stated in each response, and compared with the caller's.

use crate::api_error::ApiError;
use axum::{extract::Request, middleware::Next, response::Response};
use cofferdam_http_api::{VERSION, VERSION_HEADER, is_compatible};
use cofferdam_types::quoted;
use http::{HeaderName, HeaderValue, StatusCode};

const HEADER: HeaderName = HeaderName::from_static(VERSION_HEADER);

/// Adds the sidecar's version to each response.
pub(crate) async fn add_header(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, HeaderValue::from_static(VERSION));
    response
}

/// Refuses a caller with an incompatible version. The header is optional.
pub(crate) async fn check(request: Request, next: Next) -> Result<Response, ApiError> {
    if let Some(version) = request.headers().get(HEADER) {
        let version = String::from_utf8_lossy(version.as_bytes());
        if !is_compatible(&version) {
            let text = format!(
                "the caller speaks version {} of the API and this sidecar version {VERSION}; use a component and a \
                 sidecar of the same release",
                quoted(&version)
            );
            return Err(ApiError::invalid(StatusCode::BAD_REQUEST, text));
        }
    }
    Ok(next.run(request).await)
}
