//! The preference `wait`, RFC 7240. Pure.

use super::header_list::elements;
use http::{HeaderMap, HeaderName};
use std::{num::IntErrorKind, time::Duration};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Names the preference that the response follows.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest wait. A caller that wants to wait longer repeats the request.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How long the caller wants to wait for the end of an execution.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let mut preferences = elements(headers, &PREFER).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    // The first of several applies (RFC 7240, 2).
    match preferences.next()?.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds).min(MAX_WAIT)),
        Err(error) => (*error.kind() == IntErrorKind::PosOverflow).then_some(MAX_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn wait_is_a_limited_number_of_seconds() {
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
