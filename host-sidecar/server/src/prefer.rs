//! Preferences of a request for what is there already, RFC 7240. Pure.

use super::header_list::elements;
use axum::http::{HeaderMap, HeaderName};
use std::{num::IntErrorKind, time::Duration};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Says which preference was followed.
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest wait for an answer. Whoever wants to wait longer asks again.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the caller would wait for the end of an execution.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let mut preferences = elements(headers, &PREFER).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    // Of several the first one counts, as the RFC has it.
    match preferences.next()?.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds).min(LONGEST)),
        Err(error) => (*error.kind() == IntErrorKind::PosOverflow).then_some(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_wait_is_a_number_of_seconds_and_bounded() {
        let wait = |values: &[&'static str]| {
            let value = |value: &&'static str| (PREFER, HeaderValue::from_static(value));
            wait(&values.iter().map(value).collect()).map(|wait| wait.as_secs())
        };
        for (values, seconds) in [
            (&["wait=5"][..], Some(5)),
            (&["respond-async, Wait = \"7\"; x=y"], Some(7)),
            (&["respond-async", "wait=5", "wait=6"], Some(5)),
            (&["wait=100000"], Some(60)),
            (&["wait=99999999999999999999"], Some(60)),
            (&["foo=\"a, wait=1\", wait=30"], Some(30)),
            (&["wait"], None),
            (&["wait=soon"], None),
            (&["wait=-1"], None),
            (&["waiting=1"], None),
            (&[], None),
        ] {
            assert_eq!(wait(values), seconds, "{values:?}");
        }
    }
}
