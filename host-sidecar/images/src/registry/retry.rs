//! Whether and when a request is sent again. Source: RFC 9110, "Retry-After".

use hyper::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use std::time::Duration;

/// How often a request is sent again.
const RETRIES: u32 = 3;
/// Time between two requests, if the registry names none.
const DEFAULT: Duration = Duration::from_secs(1);
/// What a registry may ask to wait. Longer is for the caller to decide.
const LONGEST: Duration = Duration::from_secs(20);
/// What a caller is told to wait at most.
const LONGEST_NAMED: Duration = Duration::from_secs(86_400);

/// The time after which a request is sent again that was answered like this; none if it is not.
pub(super) fn delay(status: StatusCode, headers: &HeaderMap, sent_again: u32) -> Option<Duration> {
    let is_temporary = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let wanted = wanted(headers).unwrap_or(DEFAULT);
    (is_temporary && sent_again < RETRIES && wanted <= LONGEST).then_some(wanted)
}

/// The time that a registry names in seconds, at most [`LONGEST_NAMED`]; a date is not read.
pub(super) fn wanted(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)).min(LONGEST_NAMED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_repeated_when_the_registry_asks_for_it() {
        let (busy, unavailable) = (StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE);
        for (status, header, sent_again, expected) in [
            (busy, Some("7"), 0, Some(Duration::from_secs(7))),
            (unavailable, Some("0"), 2, Some(Duration::ZERO)),
            (unavailable, None, 0, Some(DEFAULT)),
            (busy, Some("Wed, 21 Oct 2015 07:28:00 GMT"), 0, Some(DEFAULT)),
            (busy, Some("3600"), 0, None),
            (busy, Some("99999999999999999999"), 0, None),
            (busy, Some("0"), RETRIES, None),
            (StatusCode::INTERNAL_SERVER_ERROR, Some("0"), 0, None),
            (StatusCode::OK, Some("0"), 0, None),
        ] {
            let value = header.map(|value| (RETRY_AFTER, value.parse().expect("a header")));
            let headers = value.into_iter().collect();
            assert_eq!(delay(status, &headers, sent_again), expected, "{status} {header:?} {sent_again}");
        }
    }

    #[test]
    fn no_caller_is_told_to_wait_for_more_than_a_day() {
        for (header, expected) in [
            ("86399", Some(Duration::from_secs(86_399))),
            ("18446744073709551615", Some(LONGEST_NAMED)),
            ("99999999999999999999", Some(LONGEST_NAMED)),
            ("-1", None),
            ("", None),
        ] {
            let headers = [(RETRY_AFTER, header.parse().expect("a header"))].into_iter().collect();
            assert_eq!(wanted(&headers), expected, "{header}");
        }
    }
}
