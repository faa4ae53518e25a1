//! Content negotiation and the other headers of a request. Pure.

use super::{header_list::elements, multipart};
use crate::api_error::ApiError;
use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, StatusCode, header, request::Parts};

/// The header that makes repeated requests one execution.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Maximum length of a key, in bytes.
const MAX_KEY: usize = 255;
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The preference of RFC 7240 that detaches an execution from its caller.
pub(crate) const RESPOND_ASYNC: &str = "respond-async";

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";
const EVENT_STREAM: &str = "text/event-stream";

/// What the headers of a request ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// Whether the response is a stream of server-sent events.
    pub(crate) stream: bool,
    /// Whether the execution continues when its caller disconnects.
    pub(crate) detached: bool,
    /// The idempotency key.
    pub(crate) key: Option<String>,
    /// The boundary of the body's parts, if files follow the request.
    pub(crate) boundary: Option<String>,
}

impl Preferences {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let boundary = boundary(headers)?;
        Ok(Self {
            stream: accepts_stream(headers)?,
            detached: is_detached(headers),
            key: key(headers)?,
            boundary,
        })
    }
}

/// The idempotency key of a request, if it has one.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        key(&parts.headers).map(Self)
    }
}

/// Refuses a body whose `Content-Type` is not JSON.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    if media_type(content_type(headers)).eq_ignore_ascii_case(JSON) {
        return Ok(());
    }
    let text = format!("the header Content-Type must be {JSON}");
    Err(ApiError::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

/// The boundary of a body that has parts; none for one that is JSON. Refuses any other.
fn boundary(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let given = content_type(headers);
    if media_type(given).eq_ignore_ascii_case(JSON) {
        return Ok(None);
    }
    if !media_type(given).eq_ignore_ascii_case(FORM) {
        let text = format!("the header Content-Type must be {JSON}, or {FORM} with files");
        return Err(ApiError::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    multipart::boundary(given).map(Some).ok_or_else(|| {
        let text = format!("the header Content-Type: {FORM} lacks a valid boundary");
        ApiError::invalid(StatusCode::BAD_REQUEST, text)
    })
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Refuses a caller that does not accept both JSON and an event stream: the server chooses between them.
pub(crate) fn require_both(headers: &HeaderMap) -> Result<(), ApiError> {
    if acceptance(headers, JSON).is_some() && acceptance(headers, EVENT_STREAM).is_some() {
        return Ok(());
    }
    let text = format!("the header Accept must allow both {JSON} and {EVENT_STREAM}");
    Err(ApiError::invalid(StatusCode::NOT_ACCEPTABLE, text))
}

/// Whether the caller prefers an event stream over JSON.
pub(crate) fn accepts_stream(headers: &HeaderMap) -> Result<bool, ApiError> {
    // A problem is JSON too, so a caller that accepts only problems by name gets JSON.
    let problem = acceptance(headers, cofferdam_http_api::PROBLEM).filter(Acceptance::is_by_name);
    let json = acceptance(headers, JSON).max(problem);
    match (json, acceptance(headers, EVENT_STREAM)) {
        (None, None) => {
            let text = format!("the header Accept must allow {JSON} or {EVENT_STREAM}");
            Err(ApiError::invalid(StatusCode::NOT_ACCEPTABLE, text))
        }
        (None, Some(_)) => Ok(true),
        (Some(_), None) => Ok(false),
        // JSON is the default. At equal weight, the event stream wins if the header names it.
        (Some(json), Some(stream)) => {
            Ok(stream.weight > json.weight || stream.weight == json.weight && stream.is_by_name())
        }
    }
}

/// How well the header `Accept` matches a media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Acceptance {
    /// The quality value, in thousandths.
    weight: u16,
    /// 2 for the media type itself, 1 for `type/*`, 0 for `*/*`.
    precision: u8,
}

impl Acceptance {
    fn is_by_name(&self) -> bool {
        self.precision == 2
    }
}

/// The acceptance of a media type by the most precise matching range (RFC 9110, 12.5.1). `None` means: not
/// acceptable. Without any range, every media type is acceptable.
fn acceptance(headers: &HeaderMap, name: &str) -> Option<Acceptance> {
    let kind = name.split('/').next().unwrap_or_default();
    let precision = |range: &str| match range.split_once('/')? {
        ("*", "*") => Some(0),
        (main, "*") if main.eq_ignore_ascii_case(kind) => Some(1),
        _ if range.eq_ignore_ascii_case(name) => Some(2),
        _ => None,
    };
    let mut ranges = elements(headers, &header::ACCEPT).filter(|range| !range.trim().is_empty()).peekable();
    if ranges.peek().is_none() {
        return Some(Acceptance { weight: 1000, precision: 0 });
    }
    ranges
        .filter_map(|range| {
            Some(Acceptance { precision: precision(media_type(range))?, weight: weight(range) })
        })
        .max_by_key(|acceptance| (acceptance.precision, acceptance.weight))
        .filter(|acceptance| acceptance.weight > 0)
}

/// The weight of a range in thousandths. A malformed weight is ignored; the default is 1.
fn weight(range: &str) -> u16 {
    let parameter = |text: &str| {
        let (name, value) = text.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))?
    };
    range.split(';').skip(1).find_map(parameter).unwrap_or(1000)
}

fn thousandths(value: &str) -> Option<u16> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_weight = whole.len() == 1
        && fraction.len() <= 3
        && (whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{whole}{fraction:0<3}").parse().ok()?;
    (is_weight && thousandths <= 1000).then_some(thousandths)
}

fn is_detached(headers: &HeaderMap) -> bool {
    elements(headers, &PREFER).any(|preference| media_type(preference).eq_ignore_ascii_case(RESPOND_ASYNC))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY => Ok(Some(key.to_owned())),
        _ => {
            let text =
                format!("the header Idempotency-Key must be 1 to {MAX_KEY} printable ASCII characters");
            Err(ApiError::invalid(StatusCode::BAD_REQUEST, text))
        }
    }
}

/// An element of a list without its parameters.
pub(super) fn media_type(element: &str) -> &str {
    element.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use http::HeaderValue;

    fn preferences(headers: &[(&'static str, &'static str)]) -> Result<Preferences, u16> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Preferences::from_headers(&headers.iter().map(header).collect())
            .map_err(|error| error.into_response().status().as_u16())
    }

    const BODY: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    #[test]
    fn the_media_type_with_the_highest_weight_is_sent() {
        let stream = |accept| preferences(&[BODY, ("accept", accept)]).map(|preferences| preferences.stream);
        assert_eq!(preferences(&[BODY]).map(|preferences| preferences.stream), Ok(false));
        for accept in [
            "",
            " , ",
            "*/*",
            "application/json",
            "Application/JSON;Q=0.1",
            "text/html, application/*;q=0.5",
            "application/problem+json",
            "text/event-stream;q=0, */*",
            "text/event-stream;q=0.1, application/json",
            "application/json, Text/Event-Stream;q=0.1",
            "text/*, application/json",
            "text/event-stream; q=0.3, */*; q=0.5",
            "text/*;q=0.9, text/event-stream;q=0.2, application/*;q=0.3",
            "application/json;q=nonsense, text/event-stream;q=0.999",
        ] {
            assert_eq!(stream(accept), Ok(false), "{accept}");
        }
        for accept in [
            "text/event-stream",
            "text/*",
            "text/event-stream, application/json",
            "application/json, text/event-stream",
            "text/event-stream, application/problem+json",
            "text/event-stream;q=0.2, application/json;q=0.1",
            "application/*;q=0, */*",
            "application/json;q=0.000, */*;q=0.001",
            "text/event-stream, */*",
        ] {
            assert_eq!(stream(accept), Ok(true), "{accept}");
        }
        for accept in
            ["text/html", "application/json;q=0, image/*", "*/*;q=0", "text/*;q=0, application/*;q=0.0"]
        {
            assert_eq!(stream(accept), Err(406), "{accept}");
        }
    }

    #[test]
    fn an_mcp_client_accepts_both_media_types() {
        let both = |accept| {
            let headers = [(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
            require_both(&headers).is_ok()
        };
        assert!(
            both("application/json, text/event-stream")
                && both("*/*")
                && both("text/*, application/json;q=0.1")
        );
        assert!(
            !both("application/json") && !both("text/event-stream, application/json;q=0") && !both("*/*;q=0")
        );
    }

    #[test]
    fn a_body_is_json_or_has_parts() {
        let boundary = |content_type| preferences(&[("content-type", content_type)]).map(|all| all.boundary);
        assert_eq!(boundary("application/json"), Ok(None));
        assert_eq!(boundary("Multipart/Form-Data; boundary=b"), Ok(Some("b".into())));
        assert_eq!(boundary("multipart/form-data"), Err(400));
        assert_eq!(preferences(&[]), Err(415));
        assert_eq!(preferences(&[("content-type", "text/plain")]), Err(415));
    }

    #[test]
    fn a_key_has_a_maximum_length_and_a_preference_may_be_one_of_many() {
        let long = "k".repeat(MAX_KEY + 1).leak();
        assert_eq!(preferences(&[BODY, ("idempotency-key", long)]), Err(400));
        assert_eq!(preferences(&[BODY, ("idempotency-key", "")]), Err(400));
        let preferences =
            preferences(&[BODY, ("prefer", "wait=10, respond-async"), ("idempotency-key", "a b")]);
        let expected = Preferences { stream: false, detached: true, key: Some("a b".into()), boundary: None };
        assert_eq!(preferences, Ok(expected));
    }
}
