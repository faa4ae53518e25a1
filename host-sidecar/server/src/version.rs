//! The versions of the contract that caller and sidecar speak.

use super::problem::Refusal;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use cofferdam_http_api::{VERSION, VERSION_HEADER, is_compatible};
use cofferdam_types::quoted;

const HEADER: HeaderName = HeaderName::from_static(VERSION_HEADER);

/// Says in each answer which version is spoken here.
pub(super) async fn tell(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, HeaderValue::from_static(VERSION));
    response
}

/// Refuses a caller who speaks another one; who does not say is taken at its word.
pub(super) async fn compare(request: Request, next: Next) -> Result<Response, Refusal> {
    if let Some(theirs) = request.headers().get(HEADER) {
        let theirs = String::from_utf8_lossy(theirs.as_bytes());
        if !is_compatible(&theirs) {
            let text = format!(
                "the caller speaks version {} of the contract and this sidecar version {VERSION}: use a component and a \
                 sidecar of the same version",
                quoted(&theirs)
            );
            return Err(Refusal::invalid(StatusCode::BAD_REQUEST, text));
        }
    }
    Ok(next.run(request).await)
}
