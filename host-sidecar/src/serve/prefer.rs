//! Preferences of a request for what is there already, RFC 7240. Pure.

use axum::http::{HeaderMap, HeaderName};
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Says which preference was followed.
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest wait for an answer. Whoever wants to wait longer asks again.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the caller would wait for the end of an execution.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(',')).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    // Of several the first one counts, as the RFC has it.
    let seconds = preferences.next()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
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
