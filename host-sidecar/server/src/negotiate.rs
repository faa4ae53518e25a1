//! What the head of a request asks for. Pure.

use super::{header_list::elements, problem::Refusal};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};

/// The header that makes a repeated request the same execution.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bytes of such a key.
const MAX_KEY: usize = 255;
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The preference of RFC 7240 that detaches a run from its caller.
pub(super) const RESPOND_ASYNC: &str = "respond-async";

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";

/// How a caller wants its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wishes {
    /// As server-sent events while it happens.
    pub(super) stream: bool,
    /// The run is to go on where the caller hangs up.
    pub(super) detached: bool,
    /// Names the execution for repeated requests.
    pub(super) key: Option<String>,
}

impl Wishes {
    /// Reads them from a request's headers.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        require_json(headers)?;
        Ok(Self { stream: stream(headers)?, detached: detached(headers), key: key(headers)? })
    }
}

/// Refuses a body that is not said to be JSON.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type(given).eq_ignore_ascii_case(JSON) {
        return Ok(());
    }
    let text = format!("the body has to be {JSON}; say so in the header Content-Type");
    Err(Refusal::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

/// Refuses a caller who does not take both, of which the server chooses one.
pub(super) fn require_both(headers: &HeaderMap) -> Result<(), Refusal> {
    if accepts(headers, JSON).is_some() && accepts(headers, EVENT_STREAM).is_some() {
        return Ok(());
    }
    let text = format!("the header Accept has to allow both {JSON} and {EVENT_STREAM}");
    Err(Refusal::invalid(StatusCode::NOT_ACCEPTABLE, text))
}

/// Whether the answer is to be server-sent events.
pub(super) fn stream(headers: &HeaderMap) -> Result<bool, Refusal> {
    // A problem is JSON: whoever takes nothing else takes an answer in JSON too.
    let json = accepts(headers, JSON).max(accepts(headers, cofferdam_http_api::PROBLEM).filter(Acceptance::is_by_name));
    match (json, accepts(headers, EVENT_STREAM)) {
        (None, None) => {
            let text = format!("the header Accept has to allow {JSON} or {EVENT_STREAM}; there is nothing else");
            Err(Refusal::invalid(StatusCode::NOT_ACCEPTABLE, text))
        }
        (None, Some(_)) => Ok(true),
        (Some(_), None) => Ok(false),
        // Of two that are as welcome, the one that has to be asked for wins where it is named.
        (Some(json), Some(stream)) => {
            Ok(stream.weight > json.weight || stream.weight == json.weight && stream.is_by_name())
        }
    }
}

/// How welcome a media type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Acceptance {
    /// Thousandths.
    weight: u16,
    /// How precisely the header names it: 2 by its name, 1 by `type/*`, 0 by `*/*`.
    precision: u8,
}

impl Acceptance {
    fn is_by_name(&self) -> bool {
        self.precision == 2
    }
}

/// How welcome a media type is, by the most precise range that it is in (RFC 9110, 12.5.1); none: not at all. A header without
/// any range says as little as none.
fn accepts(headers: &HeaderMap, name: &str) -> Option<Acceptance> {
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
        .filter_map(|range| Some(Acceptance { precision: precision(media_type(range))?, weight: weight(range) }))
        .max_by_key(|acceptance| (acceptance.precision, acceptance.weight))
        .filter(|acceptance| acceptance.weight > 0)
}

/// The weight of a range in thousandths. One that is malformed says nothing, and the default is 1.
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

fn detached(headers: &HeaderMap) -> bool {
    elements(headers, &PREFER).any(|preference| media_type(preference).eq_ignore_ascii_case(RESPOND_ASYNC))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY => Ok(Some(key.to_owned())),
        _ => {
            let text = format!("the header Idempotency-Key is not 1 to {MAX_KEY} printable ASCII characters");
            Err(Refusal::invalid(StatusCode::BAD_REQUEST, text))
        }
    }
}

/// An element without its parameters.
fn media_type(element: &str) -> &str {
    element.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{http::HeaderValue, response::IntoResponse};

    fn wishes(headers: &[(&'static str, &'static str)]) -> Result<Wishes, u16> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Wishes::of(&headers.iter().map(header).collect()).map_err(|refusal| refusal.into_response().status().as_u16())
    }

    const BODY: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    #[test]
    fn an_answer_is_what_its_caller_likes_best() {
        let stream = |accept| wishes(&[BODY, ("accept", accept)]).map(|wishes| wishes.stream);
        assert_eq!(wishes(&[BODY]).map(|wishes| wishes.stream), Ok(false));
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
        for accept in ["text/html", "application/json;q=0, image/*", "*/*;q=0", "text/*;q=0, application/*;q=0.0"] {
            assert_eq!(stream(accept), Err(406), "{accept}");
        }
    }

    #[test]
    fn a_caller_of_the_tool_takes_both() {
        let both = |accept| {
            let headers = [(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
            require_both(&headers).is_ok()
        };
        assert!(both("application/json, text/event-stream") && both("*/*") && both("text/*, application/json;q=0.1"));
        assert!(!both("application/json") && !both("text/event-stream, application/json;q=0") && !both("*/*;q=0"));
    }

    #[test]
    fn a_body_that_is_not_said_to_be_json_is_refused() {
        assert_eq!(wishes(&[]), Err(415));
        assert_eq!(wishes(&[("content-type", "text/plain")]), Err(415));
    }

    #[test]
    fn a_key_is_short_and_a_preference_may_be_one_of_many() {
        let long = "k".repeat(MAX_KEY + 1).leak();
        assert_eq!(wishes(&[BODY, ("idempotency-key", long)]), Err(400));
        assert_eq!(wishes(&[BODY, ("idempotency-key", "")]), Err(400));
        let wishes = wishes(&[BODY, ("prefer", "wait=10, respond-async"), ("idempotency-key", "a b")]);
        assert_eq!(wishes, Ok(Wishes { stream: false, detached: true, key: Some("a b".into()) }));
    }
}
