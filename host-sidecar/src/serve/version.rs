//! The versions of the contract that caller and sidecar speak.

use super::problem::Refusal;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use cofferdam_api::{VERSION, VERSION_HEADER};
use cofferdam_contract::quoted;

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
        if !is_compatible(&theirs, VERSION) {
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

/// Whether two versions differ in nothing but their patch level.
fn is_compatible(theirs: &str, ours: &str) -> bool {
    let minor = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
        Some((parts.next()??, parts.next()??))
    };
    minor(theirs).is_some() && minor(theirs) == minor(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_patch_level_may_differ() {
        for version in ["0.1.0", "0.1.7", "0.1", "0.1.0-rc.1"] {
            assert!(is_compatible(version, "0.1.0"), "{version}");
        }
        for version in ["0.2.0", "1.1.0", "", "0", "x.1.0", "0.1x"] {
            assert!(!is_compatible(version, "0.1.0"), "{version}");
        }
        assert!(is_compatible(VERSION, VERSION));
    }
}
