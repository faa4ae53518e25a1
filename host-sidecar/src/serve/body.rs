//! The body of a request: read within its bounds, then understood.

use super::problem::Refusal;
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use cofferdam_api::{ErrorCode, Request};
use cofferdam_contract::shortened;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use std::time::Duration;
use tokio::time::timeout;

/// Reads a whole body of at most `limit` bytes that comes within `patience`.
pub(super) async fn read(body: Body, limit: u64, patience: Duration) -> Result<Bytes, Refusal> {
    // One that says that it is too large need not be read.
    if body.size_hint().lower() > limit {
        return Err(too_large(limit));
    }
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match timeout(patience, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(Refusal::invalid(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => {
            let text = format!("the body did not come within {} s", patience.as_secs_f64());
            Err(Refusal::invalid(StatusCode::REQUEST_TIMEOUT, text).retryable())
        }
    }
}

fn too_large(limit: u64) -> Refusal {
    let text = format!("the body has more than {limit} bytes, the most that this sidecar takes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, text)
}

/// Understands it.
pub(super) fn parse(body: &[u8]) -> Result<Request, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let is_not = if error.is_data() { "a request" } else { "JSON" };
        // It may name what the body does.
        let error = shortened(&error.to_string());
        Refusal::invalid(StatusCode::BAD_REQUEST, format!("the body is not {is_not}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use cofferdam_api::Problem;

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        for (body, part) in [
            ("{", "is not JSON"),
            ("[]", "is not a request"),
            ("{}", "missing field `code`"),
            (r#"{"code":"1","cod":1}"#, "unknown field `cod`"),
            (r#"{"code":"1","limits":{"memory":1}}"#, "unknown field `memory`"),
            (r#"{"code":"1"} x"#, "is not JSON"),
        ] {
            let refusal = parse(body.as_bytes()).expect_err(body);
            assert!(format!("{refusal:?}").contains(part), "{body}: {refusal:?}");
        }
        assert!(parse(br#"{"code":"1"}"#).is_ok());
    }

    #[test]
    fn what_is_said_of_a_body_is_short_and_steers_no_terminal() {
        let field = "\\u001b[31m".repeat(1 << 20);
        let refusal = parse(format!(r#"{{"code":"1","{field}":1}}"#).as_bytes()).expect_err("an unknown field");
        let detail = Problem::from(refusal).detail;
        assert!(detail.contains("unknown field `\u{fffd}[31m") && !detail.contains('\u{1b}'), "{detail}");
        assert!(detail.len() < 8 << 10, "{} bytes", detail.len());
    }

    #[tokio::test]
    async fn a_body_over_its_bound_is_refused() {
        let status = async |body| {
            let read = read(body, 3, Duration::from_secs(60)).await;
            read.map_err(|refusal| refusal.into_response().status().as_u16()).map(|body| body.len())
        };
        assert_eq!(status(Body::from("abc")).await, Ok(3));
        assert_eq!(status(Body::from("abcd")).await, Err(413));
        let pieces = ["ab", "cd"].map(Ok::<_, std::io::Error>);
        assert_eq!(status(Body::from_stream(futures_util::stream::iter(pieces))).await, Err(413));
    }
}
