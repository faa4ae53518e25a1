//! What the head of a request asks for. Pure.

use super::problem::Refusal;
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
/// What an answer in JSON satisfies.
const ACCEPTS_JSON: [&str; 4] = [JSON, "application/*", "*/*", cofferdam_api::PROBLEM];

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

fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type(given).eq_ignore_ascii_case(JSON) {
        return Ok(());
    }
    let text = format!("the body has to be {JSON}; say so in the header Content-Type");
    Err(Refusal::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

fn stream(headers: &HeaderMap) -> Result<bool, Refusal> {
    let accepted: Vec<_> =
        elements(headers, &header::ACCEPT).filter(|range| !is_unwanted(range)).map(media_type).collect();
    let any = |wanted: &[&str]| accepted.iter().any(|range| wanted.iter().any(|name| range.eq_ignore_ascii_case(name)));
    if any(&[EVENT_STREAM]) {
        return Ok(true);
    }
    if any(&ACCEPTS_JSON) || !headers.contains_key(header::ACCEPT) {
        return Ok(false);
    }
    let text = format!("the header Accept has to allow {JSON} or {EVENT_STREAM}; there is nothing else");
    Err(Refusal::invalid(StatusCode::NOT_ACCEPTABLE, text))
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

/// The elements of a header that is a list.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
}

/// An element without its parameters.
fn media_type(element: &str) -> &str {
    element.split(';').next().unwrap_or_default().trim()
}

/// Whether its weight says that it is not wanted.
fn is_unwanted(range: &str) -> bool {
    let weight = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
    weight.and_then(|weight| weight.trim().parse::<f32>().ok()) == Some(0.0)
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
    fn an_answer_is_json_unless_a_stream_is_asked_for() {
        let stream = |accept| wishes(&[BODY, ("accept", accept)]).map(|wishes| wishes.stream);
        assert_eq!(wishes(&[BODY]).map(|wishes| wishes.stream), Ok(false));
        for accept in ["*/*", "application/json", "text/html, application/*;q=0.5", "application/problem+json"] {
            assert_eq!(stream(accept), Ok(false), "{accept}");
        }
        for accept in ["text/event-stream", "application/json, Text/Event-Stream;q=0.1"] {
            assert_eq!(stream(accept), Ok(true), "{accept}");
        }
        for accept in ["text/html", "", "application/json;q=0, image/*"] {
            assert_eq!(stream(accept), Err(406), "{accept}");
        }
        assert_eq!(stream("text/event-stream;q=0, */*"), Ok(false));
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
