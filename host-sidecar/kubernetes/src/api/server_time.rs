//! The time of the cluster, as the `Date` header of each answer gives it. The clock of this machine may be
//! wrong, or may be set during an execution.

use http::{HeaderMap, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use rustix::time::{ClockId, clock_gettime};
use std::sync::{Arc, Mutex, PoisonError};

/// Largest difference between the clocks of two machines that is tolerated.
pub(crate) const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// The clock of one cluster. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerTime(Arc<Mutex<Option<Reading>>>);

/// The time of an answer, and the uptime of this machine when it arrived.
#[derive(Debug, Clone, Copy)]
struct Reading {
    time: Timestamp,
    uptime: SignedDuration,
}

impl ServerTime {
    /// Sets the clock by the headers of an answer.
    pub(crate) fn update(&self, headers: &HeaderMap) {
        let Some(date) = headers.get(DATE).and_then(|date| date.to_str().ok()) else { return };
        if let Ok(time) = rfc2822::DateTimeParser::new().parse_timestamp(date) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Reading { time, uptime: uptime() });
        }
    }

    /// The time of the cluster; before its first answer, the time of this machine.
    pub(crate) fn now(&self) -> Timestamp {
        let reading = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = reading.and_then(|reading| reading.time.checked_add(uptime() - reading.uptime).ok());
        now.unwrap_or_else(Timestamp::now)
    }
}

/// It advances while the machine sleeps, and it cannot be set.
fn uptime() -> SignedDuration {
    let time = clock_gettime(ClockId::Boottime);
    SignedDuration::from_secs(time.tv_sec) + SignedDuration::from_nanos(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_to(date: &str) -> ServerTime {
        let clock = ServerTime::default();
        clock.update(&HeaderMap::from_iter([(DATE, date.parse().expect("a header"))]));
        clock
    }

    #[test]
    fn the_last_answer_with_a_date_sets_the_time() {
        let clock = set_to("Thu, 03 Jan 2030 03:04:05 GMT");
        assert_eq!(clock.now().to_string()[..16], *"2030-01-03T03:04");
        clock.update(&HeaderMap::new());
        assert_eq!(clock.now().to_string()[..16], *"2030-01-03T03:04");
        clock.update(&HeaderMap::from_iter([(
            DATE,
            "Thu, 03 Jan 2030 02:00:00 GMT".parse().expect("a header"),
        )]));
        assert_eq!(clock.now().to_string()[..16], *"2030-01-03T02:00");
    }

    #[test]
    fn without_a_date_it_is_the_time_of_this_machine() {
        for clock in [ServerTime::default(), set_to("yesterday")] {
            let difference = Timestamp::now().duration_since(clock.now());
            assert!(difference.abs() < SignedDuration::from_mins(1), "{difference}");
        }
    }
}
